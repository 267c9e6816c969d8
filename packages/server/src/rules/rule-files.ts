import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { SealtrailError } from '@sealtrail/core';
import type { RuleSource } from '@sealtrail/core/sigma';

/** A rule file is read whole. */
const maxFileBytes = 64 * 1024 * 1024;
const maxFiles = 100_000;
const isRuleFile = (name: string): boolean => /\.ya?ml$/i.test(name);
const isLines = (name: string): boolean => /\.(?:jsonl|ndjson)$/i.test(name);

/**
 * The rule files at paths: a YAML file, a folder with all YAML files below it, or JSON Lines whose records have the text
 * of a rule file as `yaml`.
 *
 * @throws SealtrailError invalid_parameter when something cannot be read
 */
export async function readRuleSources(paths: readonly string[]): Promise<readonly RuleSource[]> {
  const sources: RuleSource[] = [];
  for (const given of paths) {
    for (const file of await filesAt(given)) {
      if (sources.length >= maxFiles)
        throw new SealtrailError('invalid_parameter', `expected at most ${maxFiles} rule files`);
      const text = await readText(file);
      if (isLines(file)) sources.push(...sourcesOfLines(file, text));
      else sources.push({ name: file, text });
    }
  }
  return sources;
}

async function filesAt(given: string): Promise<readonly string[]> {
  const info = await attempt(given, () => stat(given));
  if (!info.isDirectory()) return [given];
  const names = await attempt(given, () => readdir(given, { recursive: true, withFileTypes: true }));
  const files = names
    .filter((entry) => entry.isFile() && isRuleFile(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  if (files.length === 0)
    throw new SealtrailError('invalid_parameter', `expected YAML files in ${given}, found none`);
  return files;
}

async function readText(file: string): Promise<string> {
  const { size } = await attempt(file, () => stat(file));
  if (size > maxFileBytes)
    throw new SealtrailError(
      'invalid_parameter',
      `expected a file of at most ${maxFileBytes} bytes: ${file}`,
    );
  return attempt(file, () => readFile(file, 'utf8'));
}

function sourcesOfLines(file: string, text: string): RuleSource[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const name = `${file}:${i + 1}`;
    let record: unknown;
    try {
      record = JSON.parse(line);
    } catch (cause) {
      throw new SealtrailError('invalid_parameter', `${name}: expected a line of JSON`, { cause });
    }
    const yaml = typeof record === 'object' && record !== null && 'yaml' in record ? record.yaml : undefined;
    if (typeof yaml !== 'string')
      throw new SealtrailError('invalid_parameter', `${name}: expected the text of a rule as yaml`);
    return [{ name, text: yaml }];
  });
}

async function attempt<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new SealtrailError('invalid_parameter', `expected rules that can be read at ${file} (${reason})`, {
      cause,
    });
  }
}
