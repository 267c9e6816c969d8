import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { SealtrailError } from '@sealtrail/core';
import { syncFolder } from '../durable-file.ts';

/** What every data folder has, from its first start on. */
const marks: ReadonlySet<string> = new Set(['lock.db', 'origin.txt', 'published.db', 'trust-policy.txt']);
/** What may be in one that was not made to its end, with what belongs to these files. */
const ownNames =
  /^(?:index|keys|(?:log|published|state|lock)\.db(?:[.-].*)?|(?:origin|trust-policy)\.txt(?:\.new)?)$/;
/** What file systems, desktops and repositories put into folders that are empty. */
const meaningless: ReadonlySet<string> = new Set([
  'lost+found',
  '.DS_Store',
  '.gitignore',
  '.gitkeep',
  '.keep',
]);

/**
 * Asserts that a folder is a data folder, or empty, or not there: nothing is written among the files of others.
 *
 * @throws SealtrailError data_folder_invalid
 */
export function assertNotForeign(dir: string): void {
  if (!existsSync(dir)) return;
  const names = readdirSync(dir);
  if (names.some((name) => marks.has(name))) return;
  const foreign = names.find((name) => !ownNames.test(name) && !meaningless.has(name));
  if (foreign !== undefined)
    throw new SealtrailError(
      'data_folder_invalid',
      `${dir} is no data folder, and there are other things in it, such as ${foreign}: give the name of a new or an empty folder`,
    );
}

/**
 * Makes a folder and those above it, durably, readable by their owner alone.
 *
 * Level by level, since the recursive one of Node 26 never returns where a folder cannot be made in one that is there, as
 * in /proc.
 */
export function makeFolder(dir: string): void {
  const missing: string[] = [];
  for (let at = dir; !existsSync(at) && path.dirname(at) !== at; at = path.dirname(at)) missing.unshift(at);
  for (const at of missing) {
    makeLevel(at);
    // A new name is durable once the folder that holds it is synced.
    syncFolder(path.dirname(at));
  }
}

function makeLevel(dir: string): void {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}
