import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import {
  createSigner,
  decodeBundle,
  encodeBundle,
  type NoteSigner,
  TILE_WIDTH,
  uuidBytes,
} from '@sealtrail/core';
import type Database from 'better-sqlite3';
import { noteAt } from '../../packages/core/src/testing/memory-trail.ts';
import { MemoryTree } from '../../packages/core/src/testing/memory-tree.ts';

/** An entry as the forger sees it. */
export type Json = { id: string; receivedAt: string; metadata: { number: number } } & Record<string, unknown>;

/** What is written again along with the entries. What is not is left as it was. */
export interface Thoroughness {
  readonly hashes?: boolean;
  readonly ids?: boolean;
}

export const numberOf = (db: Database.Database, trail: string): number =>
  db.prepare('SELECT id FROM trail WHERE name = ?').pluck().get(trail) as number;

/** The entries of a trail as they are stored. */
export function readEntries(db: Database.Database, trail = 'main'): Uint8Array[] {
  const id = numberOf(db, trail);
  const column = (sql: string): Buffer[] => db.prepare(sql).pluck().all(id) as Buffer[];
  return [
    ...column('SELECT data FROM bundle WHERE trail = ? ORDER BY n').map((data) => zstdDecompressSync(data)),
    ...column('SELECT data FROM tail WHERE trail = ? ORDER BY start'),
  ].flatMap((data) => decodeBundle(data));
}

/** Writes the entries of a trail anew, in the form in which the server would have. */
export function writeEntries(
  db: Database.Database,
  entries: readonly Uint8Array[],
  { hashes = false, ids = false }: Thoroughness,
  trail = 'main',
): void {
  const id = numberOf(db, trail);
  const full = entries.length - (entries.length % TILE_WIDTH);
  const kept = db.prepare('SELECT hashes FROM tail WHERE trail = ? ORDER BY start').pluck().all(id);
  for (const table of ['bundle', 'tail']) db.prepare(`DELETE FROM ${table} WHERE trail = ?`).run(id);
  for (let start = 0; start < full; start += TILE_WIDTH)
    db.prepare('INSERT INTO bundle VALUES (?, ?, ?)').run(
      id,
      start / TILE_WIDTH,
      zstdCompressSync(encodeBundle(entries.slice(start, start + TILE_WIDTH))),
    );
  const tree = treeOf(entries);
  const tailHashes = hashes ? tree.tile(0, full / TILE_WIDTH) : Buffer.concat(kept as Buffer[]);
  if (full < entries.length)
    db.prepare('INSERT INTO tail VALUES (?, ?, ?, ?)').run(
      id,
      full,
      encodeBundle(entries.slice(full)),
      tailHashes,
    );
  if (hashes) writeTiles(db, tree, id);
  if (ids) writeIds(db, entries, id);
}

function writeTiles(db: Database.Database, tree: MemoryTree, id: number): void {
  db.prepare('DELETE FROM tile WHERE trail = ?').run(id);
  for (let level = 0, count = tree.size; count > 0; level++, count = Math.floor(count / TILE_WIDTH))
    for (let n = 0; n * TILE_WIDTH < count; n++)
      if (level > 0 || (n + 1) * TILE_WIDTH <= count)
        db.prepare('INSERT INTO tile VALUES (?, ?, ?, ?)').run(id, level, n, tree.tile(level, n));
}

function writeIds(db: Database.Database, entries: readonly Uint8Array[], id: number): void {
  db.prepare('DELETE FROM entry_id WHERE trail = ?').run(id);
  const insert = db.prepare('INSERT OR IGNORE INTO entry_id VALUES (?, ?, ?)');
  for (const [i, entry] of entries.entries()) insert.run(id, uuidBytes(parse(entry).id), i);
}

export const treeOf = (entries: readonly Uint8Array[]): MemoryTree => {
  const tree = new MemoryTree();
  for (const entry of entries) tree.append(entry);
  return tree;
};

/** Signs checkpoints of these entries and puts them in the place of all that the log has. */
export function signAnew(
  db: Database.Database,
  entries: readonly Uint8Array[],
  sizes: readonly number[],
  signer: NoteSigner,
): string {
  const id = numberOf(db, 'main');
  const tree = treeOf(entries);
  db.prepare('DELETE FROM checkpoint WHERE trail = ?').run(id);
  for (const size of sizes)
    db.prepare('INSERT INTO checkpoint VALUES (?, ?, ?)').run(
      id,
      size,
      noteAt(tree, size, [signer], signer.name),
    );
  return noteAt(tree, sizes.at(-1)!, [signer], signer.name);
}

export const signerOf = (skey: string): NoteSigner => createSigner(skey);

export const parse = (entry: Uint8Array): Json => JSON.parse(Buffer.from(entry).toString('utf8')) as Json;
export const bytesOf = (entry: Json): Uint8Array => Buffer.from(JSON.stringify(entry));

/** The same entry with another amount. */
export const changed = (entry: Uint8Array): Uint8Array =>
  bytesOf({ ...parse(entry), metadata: { number: 1_000_000 } });

/** An entry that the log never saw, which could follow this one. */
export const invented = (entry: Uint8Array): Uint8Array => {
  const { id, ...rest } = parse(entry);
  return bytesOf({ ...rest, id: `${id.slice(0, 24)}f${id.slice(25)}` } as Json);
};

/** An entry as if it had been received when another one was. */
export const withTimeOf = (other: Uint8Array, entry: Uint8Array): Uint8Array =>
  bytesOf({ ...parse(entry), receivedAt: parse(other).receivedAt });

/** An entry of which one byte is another: the one that says in which decade it was received. */
export const receivedDecadesLater = (entry: Uint8Array, decades: 1 | -1): Uint8Array => {
  const key = '"receivedAt":"';
  const bytes = Buffer.from(entry);
  bytes[bytes.indexOf(key) + key.length + 'YY'.length]! += decades;
  return bytes;
};

/** An entry as if it had been received minutes after another one. */
export const receivedLater = (other: Uint8Array, entry: Uint8Array, minutes: number): Uint8Array => {
  const receivedAt = new Date(Date.parse(parse(other).receivedAt) + 60_000 * minutes).toISOString();
  return bytesOf({ ...parse(entry), receivedAt });
};
