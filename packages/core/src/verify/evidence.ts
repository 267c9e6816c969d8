import type { CheckResult } from './verdict.ts';

/**
 * Consecutive entries of a trail as they are stored. A batch that cannot be read says why, and how many entries it
 * should have held. What no batch covers is missing.
 */
export type EntryBatch =
  | { readonly start: number; readonly entries: readonly Uint8Array[] }
  | { readonly start: number; readonly count: number; readonly unreadable: string };

/** A checkpoint as it is stored: the size it is filed under, and the signed note. */
export interface StoredCheckpoint {
  readonly size: number;
  readonly note: string;
}

/** A fault that a store found in what only it knows: its event ids, orphaned rows, its schema. Always a failure. */
export type StoreFault = Omit<CheckResult, 'status'>;

/**
 * What is to be verified: a data folder, a server, an evidence bundle. Nothing it says is believed.
 *
 * All methods see one state of the log, also beside a running writer. Each is called once, `tile` for every tile,
 * and iterations overlap with other calls. A method that throws makes what it would have given unreadable.
 */
export interface TrailEvidence {
  /** Name of the trail, which every entry repeats. */
  readonly name: string;
  /** Origin and verifier key that the store claims; compared with the trust policy, never trusted. */
  readonly origin: string;
  readonly vkey: string;
  /** All entries, in order. */
  entries(): AsyncIterable<EntryBatch>;
  /**
   * The stored hash tile (level, n), as many hashes as it has; undefined where none is stored. Full tiles and all of
   * level 1 and above are expected to be there; the partial tile of level 0 may be. Evidence without hash tiles leaves
   * the method out: then a changed entry is found between two checkpoints instead of by its index.
   */
  tile?(level: number, n: number): Promise<Uint8Array | undefined>;
  /** Every stored checkpoint, by rising size. */
  checkpoints(): AsyncIterable<StoredCheckpoint>;
  /** The last published checkpoint, kept apart from the log: without it a log set back to an older copy looks intact. */
  readonly published?: string;
  /** The last checkpoint that the verifier itself saw: what it knows from earlier, not from this evidence. */
  readonly remembered?: string;
  /** What the store found in its derived tables. */
  storeFaults?(): AsyncIterable<StoreFault>;
}

/** What verification needs to know about an entry's content. */
export interface EntryFacts {
  readonly trail: string;
  /** RFC 3339 in UTC with milliseconds, so that texts sort as times. */
  readonly receivedAt: string;
}

/**
 * Reads the facts out of the bytes of the entry at `index`; undefined (or throwing) when they are none of an entry.
 * Called once for every entry that can be read, by rising index. Injected, so that verification of hashes and
 * signatures depends on no event schema.
 */
export type InspectEntry = (entry: Uint8Array, index: number) => EntryFacts | undefined;
