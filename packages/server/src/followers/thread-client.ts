import type { Worker } from 'node:worker_threads';
import { type ErrorCode, SealtrailError } from '@sealtrail/core';
import type { SystemEvent } from '../access/system-trail.ts';
import type { Failure } from '../sequencer/protocol.ts';
import { failureOf } from '../threads/failure.ts';
import type { ThreadReply, ThreadRequest } from './protocol.ts';

/** Questions on their way; further ones are refused instead of waiting behind them. */
const maxPending = 256;
const defaultRetryMs = 1000;
/** How often the time between two starts of the thread doubles: up to half a minute. */
const maxDoublings = 5;

export interface ThreadClientOptions {
  /** Starts the thread: at once, and again when it has failed. */
  readonly start: () => Worker;
  /** Puts what the thread reports into the trail `system`. */
  readonly record: (event: SystemEvent) => Promise<void>;
  /** Told of what goes wrong in the thread. */
  readonly onFailure: (message: string) => void;
  /** Time until a thread that failed is started again; it doubles up to 32 times as long. Default one second. */
  readonly retryMs?: number;
}

/** What a thread does, in messages. */
interface Purpose {
  /** What is away when the thread is. */
  readonly what: string;
  readonly thread: string;
  readonly unavailable: ErrorCode;
  /** What `overloaded` says. */
  readonly tooMany: string;
}

/**
 * The main thread's end of a thread that follows the log. Such threads hold nothing that is lost with them, so one that
 * fails, as where there is no space for its files, is started again until it works.
 */
export class ThreadClient<Request extends { readonly kind: string }, Reply extends { readonly kind: string }>
  implements AsyncDisposable
{
  readonly #options: ThreadClientOptions;
  readonly #purpose: Purpose;
  readonly #onReply: (reply: Exclude<Reply, ThreadReply>) => void;
  readonly #pending: Map<number, { resolve: (result: unknown) => void; reject: (error: unknown) => void }> =
    new Map();
  readonly #started: PromiseWithResolvers<void> = Promise.withResolvers();
  #worker: Worker | undefined;
  #sequence = 0;
  /** Why it does not work: from when a thread fails until another has opened its files. */
  #fault: Error | undefined;
  #failures = 0;
  #openedAtMs = 0;
  #retry: NodeJS.Timeout | undefined;
  #retryAtMs = 0;
  #isClosing = false;

  /** @param onReply told of what only this thread says; its first word, once its files are open, is among it */
  constructor(
    options: ThreadClientOptions,
    purpose: Purpose,
    onReply: (reply: Exclude<Reply, ThreadReply>) => void,
  ) {
    this.#options = options;
    this.#purpose = purpose;
    this.#onReply = onReply;
    this.#start();
  }

  /** Resolves when the thread has opened its files, or when that has failed for the first time. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  get isAway(): boolean {
    return this.#fault !== undefined;
  }

  /** Tells that trails have grown; the thread follows by itself. One that starts later sees what there is. */
  grew(sizes: readonly (readonly [trail: string, size: number])[]): void {
    this.#worker?.postMessage({ kind: 'grew', sizes } satisfies ThreadRequest);
  }

  /** The thread has opened its files. */
  opened(): void {
    this.#fault = undefined;
    this.#openedAtMs = performance.now();
    this.#started.resolve();
  }

  /**
   * Asks the thread.
   *
   * @throws SealtrailError shutting_down | overloaded, or that it is away, by rejecting; and what the thread answers so
   */
  ask(make: (request: number) => Request): Promise<unknown> {
    if (this.#isClosing) return Promise.reject(new SealtrailError('shutting_down'));
    if (this.#fault || !this.#worker) return Promise.reject(this.#unavailable());
    if (this.#pending.size >= maxPending) {
      return Promise.reject(
        new SealtrailError('overloaded', this.#purpose.tooMany, { retryAfterSeconds: 1 }),
      );
    }
    return this.#send(this.#worker, make);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    clearTimeout(this.#retry);
    const worker = this.#worker;
    if (!worker) return;
    // One that fails now has nothing left to close.
    await this.#send(worker, (request) => ({ kind: 'close', request }) satisfies ThreadRequest).catch(
      () => {},
    );
    this.#worker = undefined;
    await worker.terminate();
  }

  #start(): void {
    const worker = this.#options.start();
    const { thread } = this.#purpose;
    this.#worker = worker;
    worker.on('message', (reply: Reply | ThreadReply) => {
      if (worker === this.#worker) this.#receive(worker, reply);
    });
    worker.on('error', (cause) => this.#lose(worker, new Error(`the ${thread} has failed`, { cause })));
    worker.on('exit', () => this.#lose(worker, new Error(`the ${thread} has ended`)));
  }

  /** Whoever waits is told to come again, and another thread is started once this one has let go of the files. */
  #lose(worker: Worker, fault: Error): void {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    this.#fault = fault;
    if (performance.now() - this.#openedAtMs > this.#retryMs(maxDoublings)) this.#failures = 0;
    const waitMs = this.#retryMs(Math.min(this.#failures++, maxDoublings));
    this.#retryAtMs = performance.now() + waitMs;
    for (const { reject } of this.#pending.values()) reject(this.#unavailable());
    this.#pending.clear();
    this.#started.resolve();
    if (this.#isClosing) return;
    this.#options.onFailure(`${this.#purpose.what} is away until it can be started again: ${fault.message}`);
    void worker.terminate().then(() => {
      if (!this.#isClosing) this.#retry = setTimeout(() => this.#start(), waitMs);
    });
  }

  #retryMs(doublings: number): number {
    return (this.#options.retryMs ?? defaultRetryMs) * 2 ** doublings;
  }

  #unavailable(): SealtrailError {
    const leftMs = this.#retryAtMs - performance.now();
    const { what, unavailable } = this.#purpose;
    return new SealtrailError(
      unavailable,
      `${what} is away, and is tried again by itself; the server logs why. Events are taken and stored meanwhile`,
      { cause: this.#fault, retryAfterSeconds: Math.max(1, Math.ceil(leftMs / 1000)) },
    );
  }

  #send(worker: Worker, make: (request: number) => Request | ThreadRequest): Promise<unknown> {
    const request = ++this.#sequence;
    return new Promise((resolve, reject) => {
      this.#pending.set(request, { resolve, reject });
      worker.postMessage(make(request));
    });
  }

  #receive(worker: Worker, reply: Reply | ThreadReply): void {
    const known = reply as ThreadReply;
    switch (known.kind) {
      case 'record':
        void this.#recordFor(worker, known.record, known.events);
        return;
      case 'followFailed':
        this.#options.onFailure(`a follower tries again: ${known.failure.message}`);
        return;
      case 'fatal':
        this.#lose(worker, new Error(known.failure.message));
        return;
      case 'answer':
        this.#pending.get(known.request)?.resolve(known.result);
        this.#pending.delete(known.request);
        return;
      case 'requestFailed': {
        const { code, message, details } = known.failure;
        this.#pending
          .get(known.request)
          ?.reject(new SealtrailError(code, message, { ...(details && { details }) }));
        this.#pending.delete(known.request);
        return;
      }
      default:
        this.#onReply(reply as Exclude<Reply, ThreadReply>);
    }
  }

  /** Answers the thread that waits for its report to be durable. */
  async #recordFor(worker: Worker, record: number, events: readonly SystemEvent[]): Promise<void> {
    let failure: Failure | undefined;
    try {
      // At once, so that they share commits.
      await Promise.all(events.map((event) => this.#options.record(event)));
    } catch (error) {
      failure = failureOf(error);
    }
    worker.postMessage({ kind: 'recorded', record, failure } satisfies ThreadRequest);
  }
}
