import type { Worker } from 'node:worker_threads';
import { type ErrorCode, HASH_BYTES, type NoteSignature, SealtrailError } from '@sealtrail/core';
import type { EntryGroup } from './entry-group.ts';
import { packBatch, transferables } from './pack-batch.ts';
import type {
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
  /** A published checkpoint has more signatures than before. */
  cosigned?(trail: string, checkpoint: PublishedCheckpoint): void;
  /** A trail is not signed any more. */
  signingStopped?(trail: string, failure: Failure): void;
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
  #writeFailure: Failure | undefined;
  /** Why a trail is not signed any more, of the first such trail. */
  #signingFailure: Failure | undefined;
  #closed: Promise<void> | undefined;
  #lost: readonly string[] = [];

  constructor(worker: Worker, limits: QueueLimits = defaultQueueLimits) {
    this.#worker = worker;
    this.#limits = limits;
    worker.on('message', (reply: LogReply) => this.#receive(reply));
    worker.on('error', (cause) =>
      this.#fail(new SealtrailError('storage_unavailable', 'the log thread has failed', { cause })),
    );
    worker.on('exit', () =>
      this.#fail(new SealtrailError('storage_unavailable', 'the log thread has ended')),
    );
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

  /**
   * The code of what keeps entries from being written, since the last commit failed and none has succeeded since; or of why
   * a trail is not signed any more.
   */
  get unreadiness(): ErrorCode | undefined {
    return (this.#failed ?? this.#writeFailure ?? this.#signingFailure)?.code;
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

  /** Names, or origins, of what had a key or a line of the trust policy at the start, and is no trail of the log. */
  lost(): readonly string[] {
    return this.#lost.filter((name) => !this.#trails.has(name));
  }

  /**
   * Appends the entries of one request. Resolves when they are durable.
   *
   * @throws SealtrailError overloaded | storage_unavailable | shutting_down
   */
  append(group: EntryGroup): Promise<GroupResult> {
    if (this.#failed) return Promise.reject(this.#failed);
    if (this.#closed !== undefined) return Promise.reject(new SealtrailError('shutting_down'));
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
    return reply.trail;
  }

  /** A checkpoint that covers everything appended to the trail so far. */
  async publish(trail: string): Promise<PublishedCheckpoint> {
    const reply = await this.#request((request) => ({ kind: 'publish', request, trail }));
    if (reply.kind !== 'published') throw new SealtrailError('internal');
    return reply.checkpoint;
  }

  /** Begins to sign, where the log thread was told to wait for it. */
  startSigning(): void {
    this.#post({ kind: 'startSigning' });
  }

  /** Adds cosignatures, verified already, to a published checkpoint; listeners hear when they are stored. */
  cosign(trail: string, size: number, signatures: readonly NoteSignature[]): void {
    this.#post({ kind: 'cosign', trail, size, signatures });
  }

  /**
   * Holds a checkpoint that a witness shows against the log.
   *
   * @returns why the trail is not signed any more; undefined when the checkpoint proves nothing
   */
  async compare(trail: string, note: string): Promise<Failure | undefined> {
    const reply = await this.#request((request) => ({ kind: 'compare', request, trail, note }));
    if (reply.kind !== 'compared') throw new SealtrailError('internal');
    const { failure } = reply;
    if (failure !== undefined) {
      this.#signingFailure ??= failure;
      for (const listener of this.#listeners) listener.signingStopped?.(trail, failure);
    }
    return failure;
  }

  /** Commits what is queued, publishes checkpoints, and ends the log thread. Never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#pending());
    // Why it failed, if it did, those have heard who were waiting.
    await this.#request((request) => ({ kind: 'close', request })).catch(() => {});
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
        this.#lost = reply.lost;
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
        this.#setPublished(reply.trail, reply.checkpoint);
        if (reply.request !== undefined) this.#answer(reply.request, reply);
        for (const listener of this.#listeners) listener.published?.(reply.trail, reply.checkpoint);
        return;
      case 'cosigned':
        this.#setCosigned(reply.trail, reply.checkpoint);
        for (const listener of this.#listeners) listener.cosigned?.(reply.trail, reply.checkpoint);
        return;
      case 'compared':
        this.#answer(reply.request, reply);
        return;
      case 'trailCreated':
        this.#trails.set(reply.trail.name, reply.trail);
        this.#answer(reply.request, reply);
        return;
      case 'closed':
        this.#answer(reply.request, reply);
        this.#end(new SealtrailError('shutting_down'));
        return;
      case 'requestFailed':
        this.#requests.get(reply.request)?.reject(errorOf(reply.failure));
        this.#requests.delete(reply.request);
        return;
      case 'writable':
        this.#writeFailure = reply.failure;
        return;
      case 'publishFailed':
        for (const listener of this.#listeners) listener.publishFailed?.(reply.failure);
        return;
      case 'fatal':
        this.#fail(errorOf(reply.failure));
        return;
    }
  }

  #setPublished(name: string, checkpoint: PublishedCheckpoint): void {
    const known = this.#trails.get(name)!;
    const size = Math.max(known.size, checkpoint.size);
    this.#trails.set(name, { ...known, size, checkpoint });
    // A commit that was reported as failed has been stored: followers hear of it here.
    if (size > known.size) for (const listener of this.#listeners) listener.grew?.([[name, size]]);
  }

  /** Of the last checkpoint alone: an earlier one is not shown as the last. */
  #setCosigned(name: string, checkpoint: PublishedCheckpoint): void {
    const known = this.#trails.get(name)!;
    if (known.checkpoint?.size === checkpoint.size) this.#trails.set(name, { ...known, checkpoint });
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
    this.#end(error);
    for (const listener of this.#listeners) listener.fatal?.(error);
  }

  /** Everybody who waits, and whoever comes, is told why nothing is written any more. */
  #end(error: SealtrailError): void {
    this.#failed = error;
    this.#ready.reject(error);
    this.#ready.promise.catch(() => {});
    for (const waiting of [...this.#queue, ...[...this.#inFlight.values()].flat()]) waiting.reject(error);
    for (const { reject } of this.#requests.values()) reject(error);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#inFlight.clear();
    this.#requests.clear();
  }
}

const errorOf = ({ code, message }: Failure): SealtrailError =>
  new SealtrailError(code, message, code === 'storage_unavailable' ? { retryAfterSeconds: 5 } : {});

const viewOf = (reply: AppendResult, first: number, count: number): GroupResult => ({
  indexes: reply.indexes.subarray(first, first + count),
  leafHashes: reply.leafHashes.subarray(first * HASH_BYTES, (first + count) * HASH_BYTES),
  statuses: reply.statuses.subarray(first, first + count),
});
