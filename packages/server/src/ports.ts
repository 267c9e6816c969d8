import type { ErrorCode, Filter, NoteSignature, Stats, StoredCheckpoint, Token } from '@sealtrail/core';

/** Read side of the log store: synchronous, sees only committed entries, safe beside a running writer. */
export interface LogReader extends Disposable {
  /** Every trail with its current number of entries. */
  trails(): readonly { readonly name: string; readonly size: number }[];
  size(trail: string): number;
  /** Canonical bytes of entries [from, to), in order; `to` <= size. */
  entries(trail: string, from: number, to: number): Uint8Array[];
}

/** What reading proofs, tiles and single entries needs beyond {@link LogReader}. */
export interface TileReader extends LogReader {
  /** Index of an event by its id, or undefined. */
  indexOf(trail: string, id: Uint8Array): number | undefined;
  /** Hash of the complete subtree at a tree level; it must lie within the committed size. */
  node(trail: string, level: number, index: number): Uint8Array;
  /** A hash tile cut to `width` hashes, or undefined when the trail does not hold that many. */
  tile(trail: string, level: number, n: number, width: number): Uint8Array | undefined;
  /** An entry bundle in tlog-tiles form cut to `width` entries, or undefined. */
  bundle(trail: string, n: number, width: number): Uint8Array | undefined;
  /** The largest stored checkpoint, of the last thousands, with a signature line of this key. The line is not verified. */
  lastSignedBy(trail: string, key: Pick<NoteSignature, 'name' | 'keyId'>): StoredCheckpoint | undefined;
}

/** A trail as the log knows it. */
export interface TrailRecord {
  readonly id: number;
  readonly name: string;
  readonly origin: string;
  readonly vkey: string;
}

/** What a sequencer needs of a trail's end to go on from there. */
export interface StoredTip {
  /** Entries after the last full bundle: at most 255. */
  readonly tail: readonly Uint8Array[];
  readonly fullBundles: number;
  /** Last, partial hash tile of each level from 1 up; empty where that level has none. */
  readonly upperTiles: readonly Uint8Array[];
  /** The largest event id of the trail, 16 bytes, or undefined when it is empty. */
  readonly maxId: Uint8Array | undefined;
}

/** What one batch adds to one trail. */
export interface TrailAppend {
  readonly trailId: number;
  /** Index of the first new entry. */
  readonly firstIndex: number;
  /** New full bundles in tlog-tiles form; the first one starts with the stored tail's bytes. */
  readonly bundles: readonly { readonly n: number; readonly data: Uint8Array }[];
  /** New entries after the last full bundle, in tlog-tiles form, and their leaf hashes. */
  readonly tail:
    | { readonly start: number; readonly data: Uint8Array; readonly hashes: Uint8Array }
    | undefined;
  /** True when the stored tail has become part of a bundle. */
  readonly dropsTail: boolean;
  /** New or grown hash tiles. */
  readonly tiles: readonly { readonly level: number; readonly n: number; readonly data: Uint8Array }[];
  /** Event ids of the new entries, 16 bytes each, in order. */
  readonly ids: Uint8Array;
}

/**
 * The write side of the log. One process, one thread. Every method that writes is durable (synced) when it returns, and
 * has stored all or nothing when it throws, except that a failing sync may leave the outcome unknown: the caller then
 * reads the truth again ({@link LogStore.loadTip}) instead of trusting its memory.
 */
export interface LogStore extends Disposable {
  trails(): readonly TrailRecord[];
  /** Stores a trail, or returns the one of this name: a write that failed may have been stored. */
  createTrail(name: string, origin: string, vkey: string): TrailRecord;
  loadTip(trailId: number): StoredTip;
  /** The stored tail as one piece of tlog-tiles form. */
  readTail(trailId: number): Uint8Array;
  indexOf(trailId: number, id: Uint8Array): number | undefined;
  entry(trailId: number, index: number): Uint8Array;
  /**
   * Adds to trails. Each must go on from exactly where its trail ends in the store.
   *
   * @throws SealtrailError storage_unavailable when one does not: somebody else has written to this log
   */
  append(appends: readonly TrailAppend[]): void;
  /** Adds checkpoints and drops others, in one commit. */
  addCheckpoints(
    checkpoints: readonly (StoredCheckpointKey & { readonly note: string })[],
    dropped?: readonly StoredCheckpointKey[],
  ): void;
  /**
   * Commits without adding anything, after so many bytes have been written and synced beside the log and taken away again:
   * a commit alone may find room in files that are there already.
   *
   * @throws as `append` does while the disk takes no more
   */
  probe(bytes: number): void;
  /** Stores checkpoints, with further signatures, in the place of those of the same size. */
  cosignCheckpoints(checkpoints: readonly (StoredCheckpointKey & { readonly note: string })[]): void;
  checkpoint(trailId: number, size: number): StoredCheckpoint | undefined;
  lastCheckpoint(trailId: number): StoredCheckpoint | undefined;
  /** The next stored checkpoints above a size, by rising size. */
  checkpointsAfter(trailId: number, size: number, limit: number): readonly StoredCheckpoint[];
}

/** What a stored checkpoint is found by. */
export interface StoredCheckpointKey {
  readonly trailId: number;
  readonly size: number;
}

/**
 * The last published checkpoint of every trail, kept apart from the log, so that a log set back to an older copy is
 * noticed. `put` is durable when it returns.
 */
export interface PublishedStore extends Disposable {
  /** Of every trail that has ever been published, also of one that the log no longer has. */
  all(): readonly { readonly trail: string; readonly size: number; readonly note: string }[];
  put(checkpoints: readonly { readonly trail: string; readonly size: number; readonly note: string }[]): void;
}

/** What is sent to a witness. */
export interface WitnessRequest {
  readonly url: string;
  /** Absent: a GET; present: the body of a POST. */
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** What a witness answered, whatever its status. */
export interface WitnessAnswer {
  readonly status: number;
  /** Without parameters; '' when there is none. */
  readonly contentType: string;
  /** Of a Retry-After in seconds; 0 without one. */
  readonly retryAfterMs: number;
  readonly text: string;
}

/**
 * Sends one request to a witness. Bounded in time and bytes; redirects are not followed but given back.
 *
 * @throws SealtrailError body_too_large; whatever the network throws when there is no answer
 */
export type WitnessTransport = (request: WitnessRequest) => Promise<WitnessAnswer>;

/** Signing keys of trails, and the trust policy that names their verifier keys. What writes is durable when it returns. */
export interface KeyStore {
  /** The private key text of a trail (`PRIVATE+KEY+...`), or undefined when there is none. */
  read(trail: string): string | undefined;
  /** Stores the private key of a new trail. A key that is there stays: it may have signed. */
  create(trail: string, skey: string): void;
  /** Adds verifier keys to the trust policy, in this order, unless it has them. What one costs does not grow with the policy. */
  trust(vkeys: readonly string[]): void;
  isTrusted(vkey: string): boolean;
  /** Trails that have a key or a line of the trust policy and are not among these: their names, or their origins. */
  othersThan(trails: readonly TrailRecord[]): readonly string[];
}

/** Where a write can fail, for tests that make it fail before it takes effect or after. */
export type WriteFault = (
  point: 'append' | 'createTrail' | 'checkpoint' | 'cosign' | 'published' | 'trust' | 'probe',
  phase: 'before' | 'after',
) => void;

/** A token as it is kept: its secret only as a hash. */
export interface StoredToken {
  readonly token: Token;
  /** SHA-256 of the secret. Secrets have 256 random bits, so nothing slower is needed. */
  readonly hash: Uint8Array;
}

/** Tokens. Writes are durable when they return, and throw storage_unavailable when the disk takes no more. */
export interface TokenStore {
  all(): readonly StoredToken[];
  add(token: StoredToken): void;
  revoke(id: string, revokedAt: string): void;
}

/** Gaps in producers' sequence numbers, with the cursor of the follower that finds them. */
export interface ProducerStore {
  /** Entries of a trail that have been looked at. */
  cursor(trail: string): number;
  producer(trail: string, producer: string): ProducerState | undefined;
  /** Whether producers of the trail have been forgotten, because there were too many: an unknown one may not be new. */
  hasForgottenProducers(trail: string): boolean;
  /** One durable transaction: what was seen of each producer, and how far. @throws SealtrailError storage_unavailable */
  commit(trail: string, cursor: number, states: ReadonlyMap<string, ProducerState>): void;
  list(trail: string): readonly (ProducerState & { readonly producer: string })[];
}

/** What is known of one producer's sequence in one trail. */
export interface ProducerState {
  /** Where what is known of the sequence begins: 0, unless the producer may have been forgotten meanwhile. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Ranges of sequence numbers not seen, both ends included, oldest first. */
  readonly missing: readonly (readonly [from: number, to: number])[];
  readonly reports: GapReports;
}

/** What has been reported of a producer's gaps in the latest hour of receive times that had any. */
export interface GapReports {
  /** The hour as an RFC 3339 time begins: `2026-01-31T09`; '' before the first gap. */
  readonly hour: string;
  readonly count: number;
  /** Gaps found since the last report, beyond what an hour takes. */
  readonly unreported: number;
}

/** One search: a trail, what to look for, and which page. */
export interface EventQuery {
  readonly trail: string;
  /** When given, only entries of these tenants exist. */
  readonly tenants?: readonly string[] | undefined;
  readonly filter: Filter;
  readonly limit: number;
  readonly cursor?: string | undefined;
  /** What durations in the filter count back from; goes into the cursor. */
  readonly nowMs: number;
  /** Wait until the entry with this index is searchable. */
  readonly after?: number | undefined;
}

export interface EventQueryResult {
  /** Newest first; each entry as the JSON text that the log holds. */
  readonly items: readonly { readonly index: number; readonly entry: string }[];
  /** Null on the last page alone: a search that takes long ends its page early, even with nothing on it. */
  readonly nextCursor: string | null;
  readonly indexedSize: number;
}

/** Counts over what a filter finds. */
export interface StatsQuery {
  readonly trail: string;
  readonly tenants?: readonly string[] | undefined;
  readonly filter: Filter;
  /** Count by the values of this field: the `limit` most frequent. */
  readonly field?: string | undefined;
  readonly limit: number;
  /** Count by time: milliseconds of a bucket. */
  readonly intervalMs?: number | undefined;
  readonly after?: number | undefined;
}

/** The search index as the API sees it. It follows the log and never holds it up. */
export interface EventSearch {
  /** Entries of a trail that are searchable, as last heard. */
  indexedSize(trail: string): number;
  /**
   * The code of what keeps search from answering (`index_unavailable`), or from taking in what is new (`index_behind`);
   * undefined when nothing does. It passes by itself when the reason does.
   */
  readonly unreadiness: ErrorCode | undefined;
  /** @throws SealtrailError invalid_cursor | index_behind | index_unavailable | trail_not_found */
  query(query: EventQuery): Promise<EventQueryResult>;
  /** @throws SealtrailError index_behind | index_unavailable | trail_not_found */
  stats(query: StatsQuery): Promise<Stats>;
}

/** A record of a source that did not become an entry, as it is kept until somebody mends it. */
export interface DeadLetter {
  /** Rising. */
  readonly id: number;
  readonly source: string;
  readonly trail: string;
  readonly tenant: string | undefined;
  /** When it came, the last time, in milliseconds since 1970. */
  readonly receivedMs: number;
  /** The number of the line, or of the record, in what was sent; from 1. */
  readonly position: number;
  readonly code: ErrorCode;
  readonly reason: string;
  /** The record; of a long one the beginning. It may hold anything, personal data included. */
  readonly text: string;
}

/** Records that did not become entries. Writes are durable when they return, and throw storage_unavailable when the disk takes no more. */
export interface DeadLetterStore {
  /** Keeps records, each once however often it comes, and the latest of a source when there are too many. */
  addDeadLetters(letters: readonly Omit<DeadLetter, 'id'>[]): void;
  /** Records of a source with a larger id than the one given, by rising id; and how many were not kept since there were too many. */
  deadLetters(
    source: string,
    afterId: number,
    limit: number,
  ): { readonly letters: readonly DeadLetter[]; readonly dropped: number };
  /** Forgets records of a source up to an id, and that some were not kept. @returns how many there were */
  removeDeadLetters(source: string, throughId: number): number;
}
