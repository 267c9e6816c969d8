import {
  canonicalJson,
  type Entry,
  HASH_BYTES,
  type JsonValue,
  SealtrailError,
  TILE_WIDTH,
  type TreeHasher,
} from '@sealtrail/core';
import type { LogStore, TrailRecord } from '../ports.ts';
import { type AppendBatch, type AppendResult, entryStatus } from './protocol.ts';
import { idKey, TrailTip } from './trail-tip.ts';

/** Trails whose right edge is kept in memory; others are loaded when they are written to. */
const maxTipsInMemory = 512;
/** Recent event ids kept in memory over all trails: about 100 bytes each. */
const maxIdsInMemory = 1_000_000;

const text = new TextDecoder('utf-8');

/**
 * The one writer of all trails of a data folder. It turns a batch into one durable commit: finds events sent before,
 * gives each new entry its index and receive time, hashes it, grows the tree, and stores everything in one transaction.
 * What a batch costs depends on the batch, not on the size of the trail.
 */
export class Sequencer {
  readonly #store: LogStore;
  readonly #hasher: TreeHasher;
  readonly #now: () => number;
  readonly #trails: Map<string, TrailRecord> = new Map();
  /** In order of the last append: a `Map` keeps insertion order. */
  readonly #tips: Map<string, TrailTip> = new Map();

  constructor(store: LogStore, hasher: TreeHasher, now: () => number) {
    this.#store = store;
    this.#hasher = hasher;
    this.#now = now;
    for (const trail of store.trails()) this.#trails.set(trail.name, trail);
  }

  trails(): Iterable<TrailRecord> {
    return this.#trails.values();
  }

  trail(name: string): TrailRecord | undefined {
    return this.#trails.get(name);
  }

  addTrail(trail: TrailRecord): void {
    this.#trails.set(trail.name, trail);
  }

  /**
   * Appends a batch. When it returns, everything it reports as stored is durable. When it throws, nothing is known to
   * be stored; memory has been dropped, and the next batch starts from what the store says.
   */
  append(batch: AppendBatch): Omit<AppendResult, 'kind' | 'batch'> {
    const touched = new Set<TrailTip>();
    const count = batch.starts.length;
    const result = {
      indexes: new Float64Array(count),
      leafHashes: new Uint8Array(count * HASH_BYTES),
      statuses: new Uint8Array(count),
    };
    try {
      let first = 0;
      for (let group = 0; group < batch.groupSizes.length; group++) {
        const end = first + batch.groupSizes[group]!;
        this.#appendGroup(batch, first, end, batch.groupPartial[group] === 1, result, touched);
        first = end;
      }
      const appends = [...touched]
        .filter((tip) => tip.hasNew)
        .map((tip) => tip.takeAppend(() => this.#store.readTail(tip.trail.id)));
      if (appends.length > 0) this.#store.append(appends);
    } catch (error) {
      for (const tip of touched) this.#tips.delete(tip.trail.name);
      throw error;
    }
    for (const tip of touched) {
      tip.recentIds.trim();
      this.#tips.delete(tip.trail.name);
      this.#tips.set(tip.trail.name, tip);
    }
    this.#evictTips();
    return { ...result, sizes: [...touched].map((tip) => [tip.trail.name, tip.size] as const) };
  }

  /** What a checkpoint of all of a trail is about, and when the last entry of it was received. */
  head(name: string): {
    readonly trail: TrailRecord;
    readonly size: number;
    readonly root: Uint8Array;
    readonly receivedMs: number;
  } {
    const tip = this.#tip(name);
    if (!tip) throw new SealtrailError('trail_not_found', `expected a trail of this store, got ${name}`);
    const { trail, size, lastReceivedMs: receivedMs } = tip;
    const head = { trail, size, root: tip.root(), receivedMs };
    this.#evictTips();
    return head;
  }

  /** One request: looked up first as a whole, so that an all-or-nothing request leaves no part of itself. */
  #appendGroup(
    batch: AppendBatch,
    first: number,
    end: number,
    partial: boolean,
    result: ResultArrays,
    touched: Set<TrailTip>,
  ): void {
    const { statuses } = result;
    const keys: string[] = [];
    const seen: GroupIds | undefined = end - first > 1 ? new Map() : undefined;
    let refused = false;
    for (let i = first; i < end; i++) {
      const key = idKey(batch.ids, i * 16);
      keys.push(key);
      statuses[i] = this.#look(batch, i, key, seen);
      refused ||= statuses[i] === entryStatus.conflict || statuses[i] === entryStatus.unknownTrail;
    }
    if (refused && !partial) {
      for (let i = first; i < end; i++)
        if (statuses[i]! < entryStatus.conflict) statuses[i] = entryStatus.refusedWithGroup;
      return;
    }
    for (let i = first; i < end; i++) {
      const key = keys[i - first]!;
      if (statuses[i] === entryStatus.stored) this.#push(batch, i, key, result, touched);
      else if (statuses[i] === entryStatus.duplicate) this.#repeatReceipt(batch, i, key, result);
    }
  }

  /** Whether an entry is new, sent before, or in conflict with what was. */
  #look(batch: AppendBatch, i: number, key: string, seen: GroupIds | undefined): number {
    const tip = this.#tip(batch.trails[batch.trailOf[i]!]!);
    if (!tip) return entryStatus.unknownTrail;
    const index = this.#find(tip, key, batch.ids, i);
    const seenInTrail = seen && idsOf(seen, batch.trailOf[i]!);
    const earlier = seenInTrail?.get(key);
    if (index === undefined && earlier === undefined) {
      seenInTrail?.set(key, i);
      return entryStatus.stored;
    }
    const before = index === undefined ? entryBytes(batch, earlier!) : this.#entryAt(tip, index);
    return sameContent(before, entryBytes(batch, i), batch.timeChosen[i] === 1)
      ? entryStatus.duplicate
      : entryStatus.conflict;
  }

  #push(batch: AppendBatch, i: number, key: string, result: ResultArrays, touched: Set<TrailTip>): void {
    const tip = this.#tip(batch.trails[batch.trailOf[i]!]!)!;
    touched.add(tip);
    // A clock that steps back must not reorder the trail: receive times never decrease in it.
    tip.lastReceivedMs = Math.max(tip.lastReceivedMs, this.#now());
    batch.bytes.set(receiveTimeBytes(tip.lastReceivedMs), batch.slots[i]!);
    const bytes = entryBytes(batch, i);
    const leafHash = this.#hasher.leafHash(bytes);
    const start = batch.starts[i]!;
    const index = tip.push(
      batch.bytes.subarray(start - 2, start + bytes.length),
      leafHash,
      batch.ids.subarray(i * 16, (i + 1) * 16),
    );
    tip.recentIds.add(key, index);
    result.indexes[i] = index;
    result.leafHashes.set(leafHash, i * HASH_BYTES);
  }

  /** The receipt that the event got when it came first. */
  #repeatReceipt(batch: AppendBatch, i: number, key: string, result: ResultArrays): void {
    const tip = this.#tip(batch.trails[batch.trailOf[i]!]!)!;
    const index = this.#find(tip, key, batch.ids, i)!;
    result.indexes[i] = index;
    result.leafHashes.set(this.#hasher.leafHash(this.#entryAt(tip, index)), i * HASH_BYTES);
  }

  #find(tip: TrailTip, key: string, ids: Uint8Array, i: number): number | undefined {
    const found = tip.recentIds.find(key);
    if (found === 'new') return undefined;
    return found === 'unknown'
      ? this.#store.indexOf(tip.trail.id, ids.subarray(i * 16, (i + 1) * 16))
      : found;
  }

  #entryAt(tip: TrailTip, index: number): Uint8Array {
    return tip.pendingEntry(index) ?? this.#store.entry(tip.trail.id, index);
  }

  #tip(name: string): TrailTip | undefined {
    const known = this.#tips.get(name);
    if (known) return known;
    const trail = this.#trails.get(name);
    if (!trail) return undefined;
    const stored = this.#store.loadTip(trail.id);
    const size = stored.fullBundles * TILE_WIDTH + stored.tail.length;
    const last = stored.tail.at(-1) ?? (size > 0 ? this.#store.entry(trail.id, size - 1) : undefined);
    const tip = new TrailTip(trail, stored, last ? Date.parse(parseEntry(last).receivedAt) : 0, this.#hasher);
    this.#tips.set(name, tip);
    return tip;
  }

  /** Between batches only: a tip in use must not be loaded twice. */
  #evictTips(): void {
    let ids = 0;
    for (const tip of this.#tips.values()) ids += tip.recentIds.size;
    for (const [name, tip] of this.#tips) {
      if (this.#tips.size <= maxTipsInMemory && ids <= maxIdsInMemory) return;
      ids -= tip.recentIds.size;
      this.#tips.delete(name);
    }
  }
}

interface ResultArrays {
  readonly indexes: Float64Array;
  readonly leafHashes: Uint8Array;
  readonly statuses: Uint8Array;
}

/** By the numbers of trails in a batch: the ids of one request's new entries, to their positions. */
type GroupIds = Map<number, Map<string, number>>;

function idsOf(seen: GroupIds, trail: number): Map<string, number> {
  let ids = seen.get(trail);
  if (ids === undefined) {
    ids = new Map();
    seen.set(trail, ids);
  }
  return ids;
}

/** The bytes of one entry of a batch; a 16-bit length stands before them. */
function entryBytes(batch: AppendBatch, i: number): Uint8Array {
  const start = batch.starts[i]!;
  return batch.bytes.subarray(start, start + ((batch.bytes[start - 2]! << 8) | batch.bytes[start - 1]!));
}

const parseEntry = (bytes: Uint8Array): Entry => JSON.parse(text.decode(bytes)) as Entry;

/**
 * Whether a stored entry is what this event would have become. Its receive time is not the producer's; its time is not
 * either, where the event sent now has none.
 */
function sameContent(stored: Uint8Array, sent: Uint8Array, timeChosen: boolean): boolean {
  const before = parseEntry(stored);
  const now = {
    ...parseEntry(sent),
    receivedAt: before.receivedAt,
    ...(timeChosen && { time: before.time }),
  };
  return canonicalJson(before as unknown as JsonValue) === canonicalJson(now as unknown as JsonValue);
}

let cachedMs = Number.NaN;
let cachedBytes = new Uint8Array(0);

/** RFC 3339 text of a time; thousands of entries a millisecond share one. */
function receiveTimeBytes(ms: number): Uint8Array {
  if (ms !== cachedMs) {
    cachedMs = ms;
    cachedBytes = new TextEncoder().encode(new Date(ms).toISOString());
  }
  return cachedBytes;
}
