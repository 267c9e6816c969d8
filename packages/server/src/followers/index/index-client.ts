import type { Worker } from 'node:worker_threads';
import { SealtrailError, type Stats } from '@sealtrail/core';
import type { EventQuery, EventQueryResult, EventSearch, StatsQuery } from '../../ports.ts';
import type { IndexReply, IndexRequest } from './index-protocol.ts';

/** Questions on their way; further ones are refused instead of waiting behind them. */
const maxPending = 256;

/** The main thread's end of the search index. */
export class IndexClient implements EventSearch, AsyncDisposable {
  readonly #worker: Worker;
  readonly #pending: Map<number, { resolve: (result: unknown) => void; reject: (error: unknown) => void }> =
    new Map();
  readonly #sizes: Map<string, number> = new Map();
  #sequence = 0;
  #failed: SealtrailError | undefined;

  constructor(worker: Worker, onFailure: (message: string) => void) {
    this.#worker = worker;
    const fail = (error: SealtrailError): void => {
      if (this.#failed) return;
      this.#failed = error;
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
      onFailure(error.message);
    };
    worker.on('message', (reply: IndexReply) => {
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
      await this.#ask((request) => ({ kind: 'close', request }));
      this.#failed = new SealtrailError('shutting_down');
    }
    await this.#worker.terminate();
  }

  #ask(make: (request: number) => IndexRequest): Promise<unknown> {
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

  #post(request: IndexRequest): void {
    this.#worker.postMessage(request);
  }

  #settle(reply: Exclude<IndexReply, { kind: 'fatal' }>): void {
    if (reply.kind === 'indexed') {
      for (const [trail, size] of reply.sizes) this.#sizes.set(trail, size);
      return;
    }
    const pending = this.#pending.get(reply.request);
    this.#pending.delete(reply.request);
    if (reply.kind === 'answer') pending?.resolve(reply.result);
    else pending?.reject(new SealtrailError(reply.failure.code, reply.failure.message));
  }
}
