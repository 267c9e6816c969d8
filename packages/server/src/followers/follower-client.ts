import type { Worker } from 'node:worker_threads';
import { type ErrorCode, SealtrailError, type Stats } from '@sealtrail/core';
import type { SystemEvent } from '../access/system-trail.ts';
import type { EventQuery, EventQueryResult, EventSearch, StatsQuery } from '../ports.ts';
import type { Failure } from '../sequencer/protocol.ts';
import { failureOf } from '../threads/failure.ts';
import type { FollowerReply, FollowerRequest } from './protocol.ts';

/** Questions on their way; further ones are refused instead of waiting behind them. */
const maxPending = 256;
const defaultRetryMs = 1000;
/** How often the time between two starts of the thread doubles: up to half a minute. */
const maxDoublings = 5;

export interface FollowerClientOptions {
  /** Starts the thread of the followers: at once, and again when it has failed. */
  readonly start: () => Worker;
  /** Puts what followers report into the trail `system`. */
  readonly record: (event: SystemEvent) => Promise<void>;
  /** Told of what goes wrong in the thread. */
  readonly onFailure: (message: string) => void;
  /** Time until a thread that failed is started again; it doubles up to 32 times as long. Default one second. */
  readonly retryMs?: number;
}

/**
 * The main thread's end of the followers: the search index, and what follows producers' sequences. They hold nothing that
 * the log does not have, so a thread that fails, as where there is no space for the index, is started again until it works.
 */
export class FollowerClient implements EventSearch, AsyncDisposable {
  readonly #options: FollowerClientOptions;
  readonly #pending: Map<number, { resolve: (result: unknown) => void; reject: (error: unknown) => void }> =
    new Map();
  readonly #started: PromiseWithResolvers<void> = Promise.withResolvers();
  #worker: Worker | undefined;
  #sizes: Map<string, number> = new Map();
  #sequence = 0;
  /** Why there is no search: from when a thread fails until another has opened the index. */
  #fault: Error | undefined;
  #isHeldUp = false;
  #failures = 0;
  #openedAtMs = 0;
  #retry: NodeJS.Timeout | undefined;
  #retryAtMs = 0;
  #isClosing = false;

  constructor(options: FollowerClientOptions) {
    this.#options = options;
    this.#start();
  }

  /** Resolves when the index has been opened, or when that has failed for the first time. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  get unreadiness(): ErrorCode | undefined {
    if (this.#fault) return 'index_unavailable';
    return this.#isHeldUp ? 'index_behind' : undefined;
  }

  /** Tells the index that trails have grown; it follows by itself. A thread that starts later sees what there is. */
  grew(sizes: readonly (readonly [trail: string, size: number])[]): void {
    this.#worker?.postMessage({ kind: 'grew', sizes } satisfies FollowerRequest);
  }

  indexedSize(trail: string): number {
    return this.#sizes.get(trail) ?? 0;
  }

  async query(query: EventQuery): Promise<EventQueryResult> {
    const result = (await this.#ask((request) => ({ kind: 'query', request, query }))) as EventQueryResult;
    this.#sizes.set(query.trail, result.indexedSize);
    return result;
  }

  async stats(query: StatsQuery): Promise<Stats> {
    return (await this.#ask((request) => ({ kind: 'stats', request, query }))) as Stats;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    clearTimeout(this.#retry);
    const worker = this.#worker;
    if (!worker) return;
    // One that fails now has nothing left to close.
    await this.#send(worker, (request) => ({ kind: 'close', request })).catch(() => {});
    this.#worker = undefined;
    await worker.terminate();
  }

  #start(): void {
    const worker = this.#options.start();
    this.#worker = worker;
    worker.on('message', (reply: FollowerReply) => {
      if (worker === this.#worker) this.#receive(worker, reply);
    });
    worker.on('error', (cause) => this.#lose(worker, new Error('the index thread has failed', { cause })));
    worker.on('exit', () => this.#lose(worker, new Error('the index thread has ended')));
  }

  /** Whoever waits is told to come again, and another thread is started once this one has let go of the files. */
  #lose(worker: Worker, fault: Error): void {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    this.#fault = fault;
    this.#isHeldUp = false;
    if (performance.now() - this.#openedAtMs > this.#retryMs(maxDoublings)) this.#failures = 0;
    const waitMs = this.#retryMs(Math.min(this.#failures++, maxDoublings));
    this.#retryAtMs = performance.now() + waitMs;
    for (const { reject } of this.#pending.values()) reject(this.#unavailable());
    this.#pending.clear();
    this.#started.resolve();
    if (this.#isClosing) return;
    this.#options.onFailure(`search is away until it can be started again: ${fault.message}`);
    void worker.terminate().then(() => {
      if (!this.#isClosing) this.#retry = setTimeout(() => this.#start(), waitMs);
    });
  }

  #retryMs(doublings: number): number {
    return (this.#options.retryMs ?? defaultRetryMs) * 2 ** doublings;
  }

  #unavailable(): SealtrailError {
    const leftMs = this.#retryAtMs - performance.now();
    return new SealtrailError(
      'index_unavailable',
      'search is away, and is tried again by itself; the server logs why. Events are taken and stored meanwhile',
      { cause: this.#fault, retryAfterSeconds: Math.max(1, Math.ceil(leftMs / 1000)) },
    );
  }

  #ask(make: (request: number) => FollowerRequest): Promise<unknown> {
    if (this.#isClosing) return Promise.reject(new SealtrailError('shutting_down'));
    if (this.#fault || !this.#worker) return Promise.reject(this.#unavailable());
    if (this.#pending.size >= maxPending) {
      return Promise.reject(
        new SealtrailError('overloaded', 'too many searches are running', { retryAfterSeconds: 1 }),
      );
    }
    return this.#send(this.#worker, make);
  }

  #send(worker: Worker, make: (request: number) => FollowerRequest): Promise<unknown> {
    const request = ++this.#sequence;
    return new Promise((resolve, reject) => {
      this.#pending.set(request, { resolve, reject });
      worker.postMessage(make(request));
    });
  }

  #receive(worker: Worker, reply: FollowerReply): void {
    switch (reply.kind) {
      case 'opened':
        this.#sizes = new Map(reply.sizes);
        this.#fault = undefined;
        this.#openedAtMs = performance.now();
        this.#started.resolve();
        return;
      case 'indexed':
        for (const [trail, size] of reply.sizes) this.#sizes.set(trail, size);
        return;
      case 'record':
        void this.#recordFor(worker, reply.record, reply.event);
        return;
      case 'followFailed':
        this.#options.onFailure(`a follower tries again: ${reply.failure.message}`);
        return;
      case 'heldUp':
        this.#isHeldUp = reply.isHeldUp;
        return;
      case 'fatal':
        this.#lose(worker, new Error(reply.failure.message));
        return;
      case 'answer':
        this.#pending.get(reply.request)?.resolve(reply.result);
        this.#pending.delete(reply.request);
        return;
      case 'requestFailed':
        this.#pending
          .get(reply.request)
          ?.reject(new SealtrailError(reply.failure.code, reply.failure.message));
        this.#pending.delete(reply.request);
        return;
    }
  }

  /** Answers the follower that waits for its report to be durable. */
  async #recordFor(worker: Worker, record: number, event: SystemEvent): Promise<void> {
    let failure: Failure | undefined;
    try {
      await this.#options.record(event);
    } catch (error) {
      failure = failureOf(error);
    }
    worker.postMessage({ kind: 'recorded', record, failure } satisfies FollowerRequest);
  }
}
