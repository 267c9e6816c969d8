import type { ErrorCode, Stats } from '@sealtrail/core';
import type { EventQuery, EventQueryResult, EventSearch, StatsQuery } from '../ports.ts';
import type { FollowerReply, FollowerRequest, ThreadReply } from './protocol.ts';
import { ThreadClient, type ThreadClientOptions } from './thread-client.ts';

/** The main thread's end of the search index, and of what follows producers' sequences. */
export class FollowerClient implements EventSearch, AsyncDisposable {
  readonly #thread: ThreadClient<FollowerRequest, FollowerReply>;
  #sizes: Map<string, number> = new Map();
  #isHeldUp = false;

  constructor(options: ThreadClientOptions) {
    this.#thread = new ThreadClient(
      options,
      {
        what: 'search',
        thread: 'index thread',
        unavailable: 'index_unavailable',
        tooMany: 'too many searches are running',
      },
      (reply) => this.#receive(reply),
    );
  }

  /** Resolves when the index has been opened, or when that has failed for the first time. */
  get started(): Promise<void> {
    return this.#thread.started;
  }

  get unreadiness(): ErrorCode | undefined {
    if (this.#thread.isAway) return 'index_unavailable';
    return this.#isHeldUp ? 'index_behind' : undefined;
  }

  /** Tells the index that trails have grown; it follows by itself. A thread that starts later sees what there is. */
  grew(sizes: readonly (readonly [trail: string, size: number])[]): void {
    this.#thread.grew(sizes);
  }

  indexedSize(trail: string): number {
    return this.#sizes.get(trail) ?? 0;
  }

  async query(query: EventQuery): Promise<EventQueryResult> {
    const result = (await this.#thread.ask((request) => ({
      kind: 'query',
      request,
      query,
    }))) as EventQueryResult;
    this.#sizes.set(query.trail, result.indexedSize);
    return result;
  }

  async stats(query: StatsQuery): Promise<Stats> {
    return (await this.#thread.ask((request) => ({ kind: 'stats', request, query }))) as Stats;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
  }

  #receive(reply: Exclude<FollowerReply, ThreadReply>): void {
    switch (reply.kind) {
      case 'opened':
        this.#sizes = new Map(reply.sizes);
        this.#isHeldUp = false;
        this.#thread.opened();
        return;
      case 'indexed':
        for (const [trail, size] of reply.sizes) this.#sizes.set(trail, size);
        return;
      case 'heldUp':
        this.#isHeldUp = reply.isHeldUp;
        return;
    }
  }
}
