import type {
  Channel,
  ChannelTarget,
  ChannelTest,
  ChannelUpdate,
  ChannelWithSecret,
  DeadLetter,
  ErrorCode,
  Filter,
  NewChannel,
  Notification,
  SecretRotation,
  Stats,
  StoredCheckpoint,
  Token,
} from '@sealtrail/core';
import type { CorrelatorChanges, SavedDetector } from '@sealtrail/core/sigma';
import type { Issuer } from './access/issue-token.ts';

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

/** Signing keys of trails, and the trust policy that names their verifier keys. What writes is durable when it returns. */
export interface KeyStore {
  /** The private key text of a trail (`PRIVATE+KEY+...`), or undefined when there is none. */
  read(trail: string): string | undefined;
  /** Stores the private key of a new trail. A key that is there stays: it may have signed. */
  create(trail: string, skey: string): void;
  /** Adds verifier keys to the trust policy, in this order, unless it has them. What one costs does not grow with the policy. */
  trust(vkeys: readonly string[]): void;
  isTrusted(vkey: string): boolean;
}

/** Where a write can fail, for tests that make it fail before it takes effect or after. */
export type WriteFault = (
  point: 'append' | 'createTrail' | 'checkpoint' | 'published' | 'trust' | 'probe',
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

/** Something that a rule found, as it is kept. A correlation's is amended as events come, until nothing can change it. */
export interface StoredFinding {
  /** `fnd_...`: follows from the log and the rule, so what is found again is the same. */
  readonly id: string;
  readonly trail: string;
  readonly tenant: string | undefined;
  readonly rule: string;
  readonly kind: 'match' | 'correlation';
  /** What the events have in common, by field; of a match nothing. */
  readonly group: Readonly<Record<string, string | number | boolean>>;
  /** When it began: the time of the event, or of the one that completed the correlation. In milliseconds since 1970. */
  readonly startMs: number;
  /** Time of the last event that counted. */
  readonly lastMs: number;
  /** When a correlation ceased to hold; undefined while it does. */
  readonly endMs: number | undefined;
  /** The largest number that was measured in one window; 1 of a match. */
  readonly peak: number;
  /** Indexes of entries that led to it, a few of them. */
  readonly entries: readonly number[];
  /** The finding that it turned out to be a part of, once late events had come. */
  readonly mergedInto: string | undefined;
}

/** What detection knows. One process, one thread. What writes is durable when it returns. */
export interface DetectionStore extends Disposable {
  /** Entries of a trail that have been looked at, and whose findings are kept. */
  cursor(trail: string): number;
  /** One transaction: findings, new or amended, and how far they reach. */
  commit(trail: string, cursor: number, findings: readonly StoredFinding[]): void;
  /** The state that correlations had after so many entries, at most `cursor`; undefined when none was kept. */
  snapshot(trail: string): { readonly entries: number; readonly state: SavedDetector } | undefined;
  /** One transaction: what has changed since the last snapshot of the trail, which this one takes the place of. */
  keep(trail: string, entries: number, changes: SavedDetector<CorrelatorChanges>): void;
  /** Findings, the newest first. */
  findings(trail: string, limit: number): readonly StoredFinding[];
}

/** A channel as it is kept, with its secrets. Those of a webhook are always there: one is made where none was given. */
export interface StoredChannel extends Omit<NewChannel, 'target'> {
  readonly id: string;
  readonly target: ChannelTarget;
  /** Why the server disabled it; null otherwise. */
  readonly disabledBecause: string | null;
  readonly createdAt: string;
  readonly changedAt: string;
}

/** How a channel is doing. Times are milliseconds since 1970. */
export interface ChannelState {
  readonly waiting: number;
  readonly dead: number;
  readonly collapsed: number;
  readonly dropped: number;
  /** Attempts in a row that failed, of whatever notifications: it is the channel that is down. */
  readonly failures: number;
  /** Before it nothing is tried again; 0 when nothing keeps from it. */
  readonly retryAtMs: number;
  readonly lastDeliveredMs: number | undefined;
  readonly lastError: string | undefined;
}

/** The first notification that waits in the line of a channel. */
export interface LineHead extends Pick<ChannelState, 'failures' | 'retryAtMs'> {
  readonly channel: StoredChannel;
  /** Place in the line: rises with each that is enqueued. */
  readonly seq: number;
  readonly notification: Notification;
  readonly enqueuedMs: number;
}

/** What became of an attempt. */
export type Settlement = { readonly seq: number; readonly channel: string; readonly atMs: number } & (
  | { readonly kind: 'delivered'; readonly error?: string | undefined }
  /** Stays where it is, and the channel rests, but for all that was enqueued until `giveUpBeforeMs`: they are dead. */
  | {
      readonly kind: 'failed';
      readonly error: string;
      readonly retryAtMs: number;
      readonly giveUpBeforeMs: number;
    }
  | { readonly kind: 'dead'; readonly error: string }
);

/**
 * Notifications on their way, with the channels that they go through. One process, one thread; the tables lie in the
 * database of detection, so that alerts and what is told of them are one commit.
 *
 * Durability: what writes is durable when it returns, or with the transaction that it is called in. A notification that
 * has been enqueued leaves the line only by a settlement, a collapse or a drop (both are counted), or with its channel.
 * Ordering: a channel's line is in the order of `enqueue`; `head` gives the first that waits. A settlement that is lost
 * with a crash makes a notification go out again, and never another one before it.
 *
 * Reads throw when the database does; writes throw storage_unavailable when the disk takes no more.
 */
export interface Outbox {
  /**
   * Adds a notification to the end of a channel's line, within the transaction of the caller if there is one. One that the
   * channel has had (by its id, as long as that is remembered) is not added again; a channel that is gone takes none.
   */
  enqueue(channel: string, notification: Notification, nowMs: number): void;
  /** Channels that are enabled and have something waiting. */
  busy(): readonly string[];
  /** The first that waits behind a place in the line, with the channel; undefined when none does or it is disabled. */
  head(channel: string, afterSeq: number): LineHead | undefined;
  /** One commit. Of what is no longer waiting (discarded, collapsed, channel removed) nothing is settled. */
  settle(settlements: readonly Settlement[]): void;

  channels(): readonly StoredChannel[];
  channel(id: string): StoredChannel | undefined;
  state(id: string): ChannelState;
  putChannel(channel: StoredChannel): void;
  /** Forgets failures, so that what waits is tried at once. */
  hurry(id: string): void;
  /** Removes a channel with everything that is on its way. */
  removeChannel(id: string): void;

  /** Of a channel, the latest first, at most so many. */
  deadLetters(channel: string, limit: number): readonly DeadLetter[];
  /** Puts dead letters at the end of the line, in the order in which they were; gives their number. */
  revive(channel: string, ids: readonly string[] | undefined, nowMs: number): number;
  /** Removes dead letters; gives their number. */
  discard(channel: string, ids: readonly string[] | undefined): number;
}

/** What is sent, as a channel's kind wants it. It holds secrets: it is for a {@link Sender} alone. */
export type Outgoing =
  | {
      readonly via: 'http';
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | { readonly via: 'smtp'; readonly server: MailServer; readonly mail: OutgoingMail }
  | {
      readonly via: 'syslog';
      readonly host: string;
      readonly port: number;
      readonly transport: 'tls' | 'tcp' | 'udp';
      readonly message: string;
    }
  /** A line without its end. */
  | { readonly via: 'stdout'; readonly line: string };

export type MailServer = Pick<
  Extract<ChannelTarget, { kind: 'email' }>,
  'host' | 'port' | 'security' | 'user' | 'password'
>;

export interface OutgoingMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** In angle brackets. */
  readonly messageId: string;
  readonly references: string;
}

/** How an attempt to send ended. Errors are short, and hold no secrets and no addresses. */
export type SendOutcome =
  /** `error`: what went wrong all the same, such as one of several recipients refused. */
  | { readonly kind: 'delivered'; readonly error?: string | undefined }
  /** May succeed later. */
  | { readonly kind: 'retry'; readonly error: string; readonly retryAfterMs?: number | undefined }
  /** The other end wants nothing any more. */
  | { readonly kind: 'gone'; readonly error: string }
  /** This will not be taken, however often it is tried. */
  | { readonly kind: 'refused'; readonly error: string };

/** Sends what channels are told. Attempts end by themselves within bounds, and at once with the signal. */
export interface Sender {
  /** Rejects only when it is aborted. */
  send(outgoing: Outgoing, signal: AbortSignal): Promise<SendOutcome>;
}

/** Which hosts channels may lead to, as far as that shows without looking a name up. */
export interface TargetRules {
  /** Why not, or undefined. Senders look again at the addresses that a name leads to. */
  refusal(host: string): string | undefined;
}

/**
 * Channels as the API sees them. Each change, and each test, is recorded in the trail `system`.
 *
 * Everything about one channel throws channel_not_found, and every change storage_unavailable when the disk takes no more.
 */
export interface ChannelsApi {
  list(): Promise<readonly Channel[]>;
  get(id: string): Promise<Channel>;
  /** @throws SealtrailError target_refused | too_many_channels */
  create(wanted: NewChannel, by: Issuer): Promise<ChannelWithSecret>;
  /** @throws SealtrailError target_refused */
  update(id: string, wanted: ChannelUpdate, by: Issuer): Promise<ChannelWithSecret>;
  /** Removes it with what is on its way. */
  remove(id: string, by: Issuer): Promise<void>;
  /** @throws SealtrailError invalid_body, when the channel is no webhook */
  rotateSecret(id: string, rotation: SecretRotation, by: Issuer): Promise<ChannelWithSecret>;
  /** Sends a notification now, beside the line, also when the channel is disabled. */
  test(id: string, by: Issuer): Promise<ChannelTest>;
  /** The latest 1000, the latest first. */
  deadLetters(id: string): Promise<readonly DeadLetter[]>;
  /** Sends dead letters again, all of them when no ids are given; gives their number. */
  retry(id: string, ids: readonly string[] | undefined, by: Issuer): Promise<number>;
  /** Removes dead letters for good; gives their number. @throws SealtrailError dead_letter_not_found */
  discard(id: string, ids: readonly string[] | undefined, by: Issuer): Promise<number>;
}
