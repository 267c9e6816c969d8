import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type DataFolder, writeDurably } from './data-folder.ts';

const fileName = 'origin.txt';

/** The prefix of this folder's origins: chosen when it was made, and never changed, since keys are named after it. */
export function originPrefixOf(
  folder: DataFolder,
  wanted: string | undefined,
  random: (bytes: number) => Uint8Array,
): string {
  const file = path.join(folder.dir, fileName);
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const prefix = wanted ?? `sealtrail.invalid/${Buffer.from(random(6)).toString('hex')}`;
  writeDurably(file, `${prefix}\n`, 0o644);
  return prefix;
}
