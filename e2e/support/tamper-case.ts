import type { verdictCodes } from '@sealtrail/core';
import type { FolderVerdict, VerifyFolderOptions } from '../../packages/server/dist/verify/verify-folder.js';
import type { TamperedFolder } from './tamper-folder.ts';
import { changed, invented, readEntries, type Thoroughness, writeEntries } from './tamper-forge.ts';

/** A change of a data folder, and what the verdict must be. */
export interface TamperCase {
  readonly name: string;
  readonly apply: (folder: TamperedFolder) => void;
  /** Code of the verdict. */
  readonly code: (typeof verdictCodes)[number];
  /** Failed checks that must be among those found: `<trail or folder> <check> <code>[ <first>[-<last>]]`. */
  readonly finds: readonly string[];
  /** Whether nothing else may be found. */
  readonly only?: true;
  /** Beside the pinned policy, which is given unless this says otherwise. */
  readonly options?: VerifyFolderOptions;
  /** Whether the verifier has seen the folder before and remembers its checkpoints. */
  readonly remembers?: true;
}

/** The failed checks of a verdict, in the form in which cases name them. */
export function findings({ checks, trails }: FolderVerdict): string[] {
  return [
    ...checks.map((check) => ({ ...check, of: 'folder' })),
    ...trails.flatMap(({ trail, checks }) => checks.map((check) => ({ ...check, of: trail }))),
  ]
    .filter(({ status }) => status === 'failed')
    .map(({ of, check, code, firstIndex, lastIndex = firstIndex }) =>
      [of, check, code, ...(firstIndex === undefined ? [] : [range(firstIndex, lastIndex!)])].join(' '),
    );
}

const range = (first: number, last: number): string => (first === last ? `${first}` : `${first}-${last}`);

type Entries = Uint8Array[];

/** Changes the list of entries of `main`, and writes it back more or less thoroughly. */
export const entries =
  (change: (entries: Entries) => Entries, how: Thoroughness = {}) =>
  (folder: TamperedFolder): void =>
    folder.change((db) => writeEntries(db, change(readEntries(db)), how));

/** All that follows from the entries without a key. */
export const everything: Thoroughness = { hashes: true, ids: true };

export const change =
  (i: number) =>
  (list: Entries): Entries =>
    list.with(i, changed(list[i]!));
export const remove =
  (i: number) =>
  (list: Entries): Entries =>
    list.toSpliced(i, 1);
export const insert =
  (i: number) =>
  (list: Entries): Entries =>
    list.toSpliced(i, 0, invented(list[i]!));
export const exchange =
  (i: number, k: number) =>
  (list: Entries): Entries =>
    list.with(i, list[k]!).with(k, list[i]!);
export const keep =
  (size: number) =>
  (list: Entries): Entries =>
    list.slice(0, size);

/** Runs statements on a file, by default the log. */
export const sql =
  (statements: string, file = 'log.db') =>
  (folder: TamperedFolder): void =>
    folder.change((db) => db.exec(statements), file);

/** One change after the other. */
export const all =
  (...changes: readonly ((folder: TamperedFolder) => void)[]) =>
  (folder: TamperedFolder): void => {
    for (const change of changes) change(folder);
  };
