import path from 'node:path';
import { writeDurably } from '../durable-file.ts';
import { readRegularFile } from '../regular-file.ts';
import type { DataFolder } from './data-folder.ts';

const fileName = 'origin.txt';
/** Many times what a name takes. */
const maxBytes = 4096;

/** The prefix of this folder's origins: chosen when it was made, and never changed, since keys are named after it. */
export function originPrefixOf(
  folder: DataFolder,
  wanted: string | undefined,
  random: (bytes: number) => Uint8Array,
): string {
  const file = path.join(folder.dir, fileName);
  const chosen = readRegularFile(file, maxBytes);
  if (chosen !== undefined) return chosen.trim();
  const prefix = wanted ?? `sealtrail.invalid/${Buffer.from(random(6)).toString('hex')}`;
  writeDurably(file, `${prefix}\n`, 0o644);
  return prefix;
}
