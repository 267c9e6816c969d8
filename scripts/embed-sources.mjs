// Writes the mappings of sources/*.yml into core, which reads no files: node scripts/embed-sources.mjs
// A test sees to it that this was done.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadMapping } from '../packages/core/src/sources/load-mapping.ts';
import { runChild } from './run-child.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = path.join(root, 'sources');
const target = path.join(root, 'packages/core/src/sources/built-in-mappings.ts');
const mappings = readdirSync(folder)
  .filter((name) => name.endsWith('.yml'))
  .sort()
  .map((name) => loadMapping(readFileSync(path.join(folder, name), 'utf8')));
writeFileSync(
  target,
  `// Made out of sources/*.yml by scripts/embed-sources.mjs: change these, not this.
import type { SourceMapping } from './mapping-schema.ts';

export const builtInMappings: readonly SourceMapping[] = ${JSON.stringify(mappings)};
`,
);
await runChild(
  process.execPath,
  [path.join(root, 'node_modules/@biomejs/biome/bin/biome'), 'check', '--write', target],
  { cwd: root },
);
