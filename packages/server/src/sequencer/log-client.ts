import type { Worker } from 'node:worker_threads';
import { HASH_BYTES, SealtrailError } from '@sealtrail/core';
import type { EntryGroup } from './entry-group.ts';
import type {
  AppendBatch,
  AppendResult,
  Failure,
  LogReply,
  LogRequest,
  PublishedCheckpoint,
  TrailStatus,
} from './protocol.ts';

/** How much may wait, and how much goes into one commit. */
export interface QueueLimits {
  /** Bytes of entries waiting for a commit; above it requests are refused with `overloaded`. */
  readonly maxQueuedBytes: number;
  /** Entries in one commit, unless a single request holds more. */
  readonly maxBatchEntries: number;
  readonly maxBatchBytes: number;
}

export const defaultQueueLimits: QueueLimits = {
  maxQueuedBytes: 64 * 1024 * 1024,
  maxBatchEntries: 4096,
  maxBatchBytes: 4 * 1024 * 1024,
};

/** What became of one request's entries: a view on the batch's answer. */
export interface GroupResult {
  readonly indexes: Float64Array;
  readonly leafHashes: Uint8Array;
  readonly statuses: Uint8Array;
}

/** What the log tells those who follow it. */
export interface LogListener {
  /** Trails that grew, once a commit. */
  grew?(sizes: AppendResult['sizes']): void;
  published?(trail: string, checkpoint: PublishedCheckpoint): void;
  publishFailed?(failure: Failure): void;
  /** The log thread has stopped: nothing can be written any more. */
  fatal?(error: SealtrailError): void;
}

interface Waiting {
  readonly group: EntryGroup;
  readonly settled: Promise<GroupResult>;
  readonly resolve: (result: GroupResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Two batches on their way keep the log thread busy while this thread packs the next. */
const maxBatchesInFlight = 2;

/**
 * The main thread's end of the log. Requests that arrive while a commit runs wait together for the next one, so the
 * number of syncs follows the disk and not the number of requests.
 */
export class LogClient {
  readonly #worker: Worker;
  readonly #limits: QueueLimits;
  readonly #listeners: Set<LogListener> = new Set();
  readonly #trails: Map<string, TrailStatus> = new Map();
  readonly #inFlight: Map<number, readonly Waiting[]> = new Map();
  readonly #requests: Map<number, { resolve: (reply: LogReply) => void; reject: (error: unknown) => void }> =
    new Map();
  readonly #ready: PromiseWithResolvers<void> = Promise.withResolvers();
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #sequence = 0;
  #failed: SealtrailError | undefined;
  #closing = false;

  constructor(worker: Worker, limits: QueueLimits = defaultQueueLimits) {
    this.#worker = worker;
    this.#limits = limits;
    worker.on('message', (reply: LogReply) => this.#receive(reply));
    worker.on('error', (cause) =>
      this.#fail(new SealtrailError('storage_unavailable', 'the log thread has failed', { cause })),
    );
    worker.on('exit', () => {
      if (!this.#closing) this.#fail(new SealtrailError('storage_unavailable', 'the log thread has ended'));
    });
  }

  /** Resolves when the log has been opened and agrees with what was published; rejects with why it does not. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get failed(): SealtrailError | undefined {
    return this.#failed;
  }

  listen(listener: LogListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  trails(): readonly TrailStatus[] {
    return [...this.#trails.values()];
  }

  trail(name: string): TrailStatus | undefined {
    return this.#trails.get(name);
  }

  /**
   * Appends the entries of one request. Resolves when they are durable.
   *
   * @throws SealtrailError overloaded | storage_unavailable | shutting_down
   */
  append(group: EntryGroup): Promise<GroupResult> {
    if (this.#failed) return Promise.reject(this.#failed);
    if (this.#closing) return Promise.reject(new SealtrailError('shutting_down'));
    // A request that finds the queue empty is taken whatever its size, or it could never be.
    if (this.#queuedBytes > 0 && this.#queuedBytes + group.byteLength > this.#limits.maxQueuedBytes) {
      return Promise.reject(
        new SealtrailError('overloaded', 'the intake queue is full; send the same events again later', {
          retryAfterSeconds: 1,
        }),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<GroupResult>();
    this.#queue.push({ group, settled: promise, resolve, reject });
    this.#queuedBytes += group.byteLength;
    // Everything that arrives in this turn of the event loop joins the batch.
    if (this.#queue.length === 1) setImmediate(() => this.#send());
    return promise;
  }

  /** Makes a trail. @throws SealtrailError trail_exists | storage_unavailable */
  async createTrail(name: string): Promise<TrailStatus> {
    const reply = await this.#request((request) => ({ kind: 'createTrail', request, name }));
    if (reply.kind !== 'trailCreated') throw new SealtrailError('internal');
    this.#trails.set(name, reply.trail);
    return reply.trail;
  }

  /** A checkpoint that covers everything appended to the trail so far. */
  async publish(trail: string): Promise<PublishedCheckpoint> {
    const reply = await this.#request((request) => ({ kind: 'publish', request, trail }));
    if (reply.kind !== 'published') throw new SealtrailError('internal');
    return reply.checkpoint;
  }

  /** Commits what is queued, publishes checkpoints, and ends the log thread. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    await Promise.allSettled(this.#pending());
    if (!this.#failed) await this.#request((request) => ({ kind: 'close', request }));
    await this.#worker.terminate();
  }

  #pending(): Promise<GroupResult>[] {
    return [...this.#queue, ...[...this.#inFlight.values()].flat()].map(({ settled }) => settled);
  }

  #send(): void {
    while (this.#queue.length > 0 && this.#inFlight.size < maxBatchesInFlight) {
      const taken = this.#take();
      const batch = packBatch(
        ++this.#sequence,
        taken.map(({ group }) => group),
      );
      this.#inFlight.set(batch.batch, taken);
      this.#post(batch, transferables(batch));
    }
  }

  /** The next batch's requests: at least one, up to the limits. */
  #take(): Waiting[] {
    let entries = 0;
    let bytes = 0;
    let count = 0;
    for (const { group } of this.#queue) {
      if (
        count > 0 &&
        (entries + group.count > this.#limits.maxBatchEntries ||
          bytes + group.byteLength > this.#limits.maxBatchBytes)
      )
        break;
      entries += group.count;
      bytes += group.byteLength;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  #receive(reply: LogReply): void {
    switch (reply.kind) {
      case 'ready':
        for (const trail of reply.trails) this.#trails.set(trail.name, trail);
        this.#ready.resolve();
        return;
      case 'appended':
        for (const [trail, size] of reply.sizes)
          this.#trails.set(trail, { ...this.#trails.get(trail)!, size });
        this.#settle(reply.batch, (waiting, first) =>
          waiting.resolve(viewOf(reply, first, waiting.group.count)),
        );
        for (const listener of this.#listeners) listener.grew?.(reply.sizes);
        return;
      case 'appendFailed':
        this.#settle(reply.batch, (waiting) => waiting.reject(errorOf(reply.failure)));
        return;
      case 'published':
        this.#trails.set(reply.trail, { ...this.#trails.get(reply.trail)!, checkpoint: reply.checkpoint });
        if (reply.request !== undefined) this.#answer(reply.request, reply);
        for (const listener of this.#listeners) listener.published?.(reply.trail, reply.checkpoint);
        return;
      case 'trailCreated':
      case 'closed':
        this.#answer(reply.request, reply);
        return;
      case 'requestFailed':
        this.#requests.get(reply.request)?.reject(errorOf(reply.failure));
        this.#requests.delete(reply.request);
        return;
      case 'publishFailed':
        for (const listener of this.#listeners) listener.publishFailed?.(reply.failure);
        return;
      case 'fatal':
        this.#fail(errorOf(reply.failure));
        return;
    }
  }

  #settle(batch: number, settle: (waiting: Waiting, first: number) => void): void {
    const waiting = this.#inFlight.get(batch) ?? [];
    this.#inFlight.delete(batch);
    let first = 0;
    for (const one of waiting) {
      this.#queuedBytes -= one.group.byteLength;
      settle(one, first);
      first += one.group.count;
    }
    this.#send();
  }

  #request(make: (request: number) => LogRequest): Promise<LogReply> {
    if (this.#failed) return Promise.reject(this.#failed);
    const request = ++this.#sequence;
    return new Promise((resolve, reject) => {
      this.#requests.set(request, { resolve, reject });
      this.#post(make(request));
    });
  }

  #post(request: LogRequest, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, transfer);
  }

  #answer(request: number, reply: LogReply): void {
    this.#requests.get(request)?.resolve(reply);
    this.#requests.delete(request);
  }

  #fail(error: SealtrailError): void {
    if (this.#failed) return;
    this.#failed = error;
    this.#ready.reject(error);
    this.#ready.promise.catch(() => {});
    for (const waiting of [...this.#queue, ...[...this.#inFlight.values()].flat()]) waiting.reject(error);
    for (const { reject } of this.#requests.values()) reject(error);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#inFlight.clear();
    this.#requests.clear();
    for (const listener of this.#listeners) listener.fatal?.(error);
  }
}

const errorOf = ({ code, message }: Failure): SealtrailError =>
  new SealtrailError(code, message, code === 'storage_unavailable' ? { retryAfterSeconds: 5 } : {});

const viewOf = (reply: AppendResult, first: number, count: number): GroupResult => ({
  indexes: reply.indexes.subarray(first, first + count),
  leafHashes: reply.leafHashes.subarray(first * HASH_BYTES, (first + count) * HASH_BYTES),
  statuses: reply.statuses.subarray(first, first + count),
});

/** Puts the entries of several requests into the few buffers of one batch. */
export function packBatch(batch: number, groups: readonly EntryGroup[]): AppendBatch {
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  const byteLength = groups.reduce((sum, group) => sum + group.byteLength, 0);
  const bytes = new Uint8Array(byteLength);
  const starts = new Uint32Array(count);
  const slots = new Uint32Array(count);
  const ids = new Uint8Array(count * 16);
  const trailOf = new Uint16Array(count);
  const timeChosen = new Uint8Array(count);
  const trails: string[] = [];
  const numberOf = new Map<string, number>();
  let entry = 0;
  let offset = 0;
  for (const group of groups) {
    bytes.set(group.bytes, offset);
    for (let i = 0; i < group.count; i++, entry++) {
      const trail = group.trails[i]!;
      let number = numberOf.get(trail);
      if (number === undefined) {
        number = trails.push(trail) - 1;
        numberOf.set(trail, number);
      }
      starts[entry] = group.starts[i]! + offset;
      slots[entry] = group.slots[i]! + offset;
      trailOf[entry] = number;
      timeChosen[entry] = group.timeChosen[i] ? 1 : 0;
      ids.set(group.ids[i]!, entry * 16);
    }
    offset += group.byteLength;
  }
  return {
    kind: 'append',
    batch,
    bytes,
    starts,
    slots,
    ids,
    trailOf,
    trails,
    timeChosen,
    groupSizes: Uint32Array.from(groups, (group) => group.count),
    groupPartial: Uint8Array.from(groups, (group) => (group.partial ? 1 : 0)),
  };
}

function transferables(batch: AppendBatch): ArrayBuffer[] {
  return [batch.bytes, batch.starts, batch.slots, batch.ids, batch.trailOf, batch.timeChosen].map(
    (view) => view.buffer as ArrayBuffer,
  );
}
