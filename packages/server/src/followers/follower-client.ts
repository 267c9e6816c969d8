import type { Worker } from 'node:worker_threads';
import { SealtrailError, type Stats } from '@sealtrail/core';
import type { SystemEvent } from '../access/system-trail.ts';
import type { EventQuery, EventQueryResult, EventSearch, StatsQuery } from '../ports.ts';
import type { Failure } from '../sequencer/protocol.ts';
import { failureOf } from '../threads/failure.ts';
import type { FollowerReply, FollowerRequest } from './protocol.ts';

/** Questions on their way; further ones are refused instead of waiting behind them. */
const maxPending = 256;

/** The main thread's end of the followers: the search index, and what follows producers' sequences. */
export class FollowerClient implements EventSearch, AsyncDisposable {
  readonly #worker: Worker;
  readonly #pending: Map<number, { resolve: (result: unknown) => void; reject: (error: unknown) => void }> =
    new Map();
  readonly #record: (event: SystemEvent) => Promise<void>;
  readonly #onFailure: (message: string) => void;
  readonly #sizes: Map<string, number> = new Map();
  #sequence = 0;
  #isClosing = false;
  #failed: SealtrailError | undefined;

  /**
   * @param record puts what followers report into the trail `system`
   * @param onFailure told of what goes wrong in the thread
   */
  constructor(
    worker: Worker,
    record: (event: SystemEvent) => Promise<void>,
    onFailure: (message: string) => void,
  ) {
    this.#record = record;
    this.#onFailure = onFailure;
    this.#worker = worker;
    const fail = (error: SealtrailError): void => {
      if (this.#failed) return;
      this.#failed = error;
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
      if (!this.#isClosing) onFailure(error.message);
    };
    worker.on('message', (reply: FollowerReply) => {
      if (reply.kind === 'fatal')
        fail(new SealtrailError('index_behind', `the index has stopped: ${reply.failure.message}`));
      else this.#settle(reply);
    });
    worker.on('error', (cause) =>
      fail(new SealtrailError('index_behind', 'the index thread has failed', { cause })),
    );
    worker.on('exit', () => fail(new SealtrailError('index_behind', 'the index thread has ended')));
  }

  /** Tells the index that trails have grown; it follows by itself. */
  grew(sizes: readonly (readonly [trail: string, size: number])[]): void {
    if (!this.#failed) this.#post({ kind: 'grew', sizes });
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
    if (!this.#failed) {
      const closed = this.#ask((request) => ({ kind: 'close', request }));
      this.#isClosing = true;
      await closed;
      this.#failed = new SealtrailError('shutting_down');
    }
    await this.#worker.terminate();
  }

  #ask(make: (request: number) => FollowerRequest): Promise<unknown> {
    if (this.#failed) return Promise.reject(this.#failed);
    if (this.#pending.size >= maxPending) {
      return Promise.reject(
        new SealtrailError('overloaded', 'too many searches are running', { retryAfterSeconds: 1 }),
      );
    }
    const request = ++this.#sequence;
    return new Promise((resolve, reject) => {
      this.#pending.set(request, { resolve, reject });
      this.#post(make(request));
    });
  }

  #post(request: FollowerRequest): void {
    this.#worker.postMessage(request);
  }

  #settle(reply: Exclude<FollowerReply, { kind: 'fatal' }>): void {
    switch (reply.kind) {
      case 'indexed':
        for (const [trail, size] of reply.sizes) this.#sizes.set(trail, size);
        return;
      case 'record':
        void this.#recordFor(reply.record, reply.event);
        return;
      case 'followFailed':
        this.#onFailure(`a follower tries again: ${reply.failure.message}`);
        return;
    }
    const pending = this.#pending.get(reply.request);
    this.#pending.delete(reply.request);
    if (reply.kind === 'answer') pending?.resolve(reply.result);
    else pending?.reject(new SealtrailError(reply.failure.code, reply.failure.message));
  }

  /** Answers the follower that waits for its report to be durable. */
  async #recordFor(record: number, event: SystemEvent): Promise<void> {
    let failure: Failure | undefined;
    try {
      await this.#record(event);
    } catch (error) {
      failure = failureOf(error);
    }
    this.#post({ kind: 'recorded', record, failure });
  }
}
