import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { deserialize, serialize } from 'node:v8';
import { parseRuleFile, type RuleFile, type RuleSource } from '@sealtrail/core/sigma';
import { readRuleSources } from './rule-files.ts';

/** Beside the rule files: what they say, so that not each start has to read it out of their texts. */
const parsedName = 'parsed.bin';

/** Where the rules lie that come with the server: the build puts them there. */
export function shippedRulesFolder(): string {
  const packageRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
  return path.join(packageRoot, 'dist', 'built-in-rules');
}

/** The rules that come with the server, under their names below the folder. @throws SealtrailError invalid_parameter when they cannot be read */
export async function readShippedRules(folder: string): Promise<readonly Required<RuleSource>[]> {
  const sources = await readRuleSources([folder]);
  const parsed = await readParsed(path.join(folder, parsedName));
  return sources.map(({ name, text }) => ({
    // What is said of them over the API tells nothing of where the server lies.
    name: path.relative(folder, name).replaceAll(path.sep, '/'),
    text,
    parsed: parsed.get(digestOf(text)) ?? parseRuleFile(text),
  }));
}

/** What the build puts beside rule files, and its name. */
export async function packShippedRules(
  folder: string,
): Promise<{ readonly file: string; readonly bytes: Uint8Array }> {
  const sources = await readRuleSources([folder]);
  const parsed = new Map(sources.map(({ text }) => [digestOf(text), parseRuleFile(text)]));
  return { file: path.join(folder, parsedName), bytes: serialize(parsed) };
}

/** By the digests of texts. Nothing where it is not there, or of another Node: then the texts are read. */
async function readParsed(file: string): Promise<ReadonlyMap<string, RuleFile>> {
  try {
    return deserialize(await readFile(file)) as ReadonlyMap<string, RuleFile>;
  } catch {
    return new Map();
  }
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
