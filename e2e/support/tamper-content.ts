import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { decodeBundle } from '@sealtrail/core';
import Database from 'better-sqlite3';

/** All that a log says, whatever its bytes are: rows of its tables, bundles taken apart. */
export interface LogContent {
  /** Entries by trail number, each as a hash. */
  readonly entries: ReadonlyMap<number, readonly string[]>;
  /** Everything else. */
  readonly rest: string;
}

/** Reads the content of a log file by full scans, without believing an index. @throws when it cannot be read */
export function contentOf(file: string): LogContent {
  const db = new Database(file, { readonly: true });
  try {
    const rows = (sql: string): unknown[][] => db.prepare(sql).raw().all() as unknown[][];
    const entries = new Map<number, string[]>();
    const add = (trail: unknown, data: Uint8Array): void => {
      const list = entries.get(trail as number) ?? [];
      entries.set(trail as number, list);
      list.push(...hashesOf(data));
    };
    for (const [trail, , data] of rows('SELECT trail, n, data FROM bundle NOT INDEXED ORDER BY trail, n'))
      add(trail, zstdDecompressSync(data as Uint8Array));
    const tails = 'SELECT trail, start, data, hashes FROM tail NOT INDEXED ORDER BY trail, start';
    for (const [trail, , data] of rows(tails)) add(trail, data as Uint8Array);
    const rest = [
      'SELECT * FROM trail NOT INDEXED ORDER BY id',
      'SELECT trail, n FROM bundle NOT INDEXED ORDER BY trail, n',
      'SELECT trail, start, hashes FROM tail NOT INDEXED ORDER BY trail, start',
      'SELECT * FROM tile NOT INDEXED ORDER BY trail, level, n',
      'SELECT * FROM entry_id ORDER BY trail, id',
      'SELECT * FROM checkpoint ORDER BY trail, size',
      'SELECT type, name, sql FROM sqlite_schema ORDER BY type, name',
    ].map(rows);
    return { entries, rest: createHash('sha256').update(JSON.stringify(rest)).digest('hex') };
  } finally {
    db.close();
  }
}

/** The content of a log file, or undefined where it cannot be read to the end. */
export function readableContentOf(file: string): LogContent | undefined {
  try {
    return contentOf(file);
  } catch {
    return undefined;
  }
}

/** The entries of a bundle, each as a hash. @throws when it is none */
export const hashesOf = (bundle: Uint8Array): string[] =>
  decodeBundle(bundle).map((entry) => createHash('sha256').update(entry).digest('hex'));

/** Indexes at which two lists of entries differ. */
export function differing(a: readonly string[], b: readonly string[]): number[] {
  const indexes = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i);
  return indexes.filter((i) => a[i] !== b[i]);
}

/** Numbers below `bound`, the same ones in every run (mulberry32). */
export function* seeded(seed: number, bound: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    yield ((t ^ (t >>> 14)) >>> 0) % bound;
  }
}
