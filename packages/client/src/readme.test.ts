import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const readme = readFileSync(path.join(root, 'packages/client/README.md'), 'utf8');
const examples = Array.from(readme.matchAll(/^```ts\n(.*?)^```/gms), (match) => match[1]!);

describe('the examples of the README', () => {
  it('compile against the built package, as an application would', () => {
    expect(examples.length).toBeGreaterThan(5);
    expect(existsSync(path.join(root, 'packages/client/dist/index.d.ts'))).toBe(true);
    // Inside of the workspace, so that packages are found where npm has linked them.
    mkdirSync(path.join(root, '.build'), { recursive: true });
    const folder = mkdtempSync(path.join(root, '.build/readme-'));
    try {
      const compilerOptions = {
        module: 'nodenext',
        target: 'es2024',
        lib: ['es2024', 'esnext.disposable'],
        types: ['node'],
        strict: true,
        noEmit: true,
        skipLibCheck: true,
      };
      writeFileSync(
        path.join(folder, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, include: ['*.ts'] }),
      );
      writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
      for (const [i, example] of examples.entries()) {
        writeFileSync(path.join(folder, `example-${i + 1}.ts`), `${example}\nexport {};\n`);
      }
      const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
      const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
      expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
