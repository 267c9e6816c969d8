import { SealtrailError } from '@sealtrail/core';
import { sizeOfRegularFile, startOfRegularFile } from './regular-file.ts';

const sides = ['', '-wal', '-shm', '-journal'];

/**
 * Asserts that a database and what SQLite keeps beside it are regular files, where they are there: SQLite would follow
 * links, and wait for pipes.
 *
 * @throws SealtrailError data_folder_invalid
 */
export function assertRegularDatabase(file: string): void {
  for (const side of sides) sizeOfRegularFile(`${file}${side}`);
}

/**
 * The rollback journal beside a database that SQLite would take for what a crash left: whoever opens the database for
 * writing next has its pages overwritten from there, or the file cut. Our databases have write-ahead logs and are made
 * under another name, so a server never leaves such a journal.
 *
 * The rules are those of `hasHotJournal` in SQLite's pager.c: neither file is empty, and the first byte of the journal is
 * not 0. Locks do not matter here. Nor does whether the journal is whole or names a super-journal that is missing, for
 * which SQLite would pass it over: who put it there can add the rest.
 *
 * @returns its name; undefined without one
 * @throws SealtrailError data_folder_invalid when one of the two is no regular file
 */
export function hotJournalOf(file: string): string | undefined {
  const journal = `${file}-journal`;
  if (sizeOfRegularFile(file) === 0 || sizeOfRegularFile(journal) === 0) return undefined;
  return (startOfRegularFile(journal, 1)[0] ?? 0) === 0 ? undefined : journal;
}

/**
 * Asserts that SQLite may open a database for writing and finds nothing there that would change it.
 *
 * @throws SealtrailError data_folder_invalid
 */
export function assertOpensUnchanged(file: string): void {
  assertRegularDatabase(file);
  const journal = hotJournalOf(file);
  if (journal !== undefined)
    throw new SealtrailError(
      'data_folder_invalid',
      `${journal} is not ours: SQLite would write it into ${file}. Find out who put it there, and move it out of the folder; then run sealtrail verify`,
    );
}

/**
 * Asserts that a new database would be new: what SQLite left beside a former one of that name belongs to no other.
 *
 * @throws SealtrailError data_folder_invalid
 */
export function assertNothingLeftOf(file: string): void {
  for (const side of ['-wal', '-journal'])
    if (sizeOfRegularFile(`${file}${side}`) > 0)
      throw new SealtrailError(
        'data_folder_invalid',
        `${file} is missing or empty, but ${file}${side} is there and may hold what was written last: restore the one, or move the other away`,
      );
}
