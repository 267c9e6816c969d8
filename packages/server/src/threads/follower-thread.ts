import { parentPort, workerData } from 'node:worker_threads';
import { SealtrailError } from '@sealtrail/core';
import type { SystemEvent } from '../access/system-trail.ts';
import { dataFolder } from '../adapters/fs/data-folder.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import { SqliteStateStore } from '../adapters/sqlite/state-store.ts';
import { EventIndex } from '../followers/index/event-index.ts';
import { ProducerFollower } from '../followers/producers/producer-follower.ts';
import { SeenProducers } from '../followers/producers/seen-producers.ts';
import type { FollowerReply, FollowerRequest } from '../followers/protocol.ts';
import { AsyncResources } from '../resources.ts';
import type { LogListener } from '../sequencer/log-client.ts';
import { failureOf } from './failure.ts';

/** What the thread is started with. */
export interface FollowerThreadOptions {
  readonly dir: string;
}

/** About 50,000 entries: a page of scattered ones decompresses a bundle for each that is not there. */
const searchCacheBytes = 32 * 1024 * 1024;
/** Longest wait of a query for entries that are not searchable yet. */
const maxWaitMs = 10_000;

/** The thread of the followers: the search index, which also answers searches, and the one of producers' sequences. */
class FollowerThread implements AsyncDisposable {
  readonly #reply: (reply: FollowerReply) => void;
  readonly #resources = new AsyncResources();
  readonly #index: EventIndex;
  readonly #listeners: Set<LogListener> = new Set();
  readonly #recording: Map<number, PromiseWithResolvers<void>> = new Map();
  #sequence = 0;

  constructor(options: FollowerThreadOptions, reply: (reply: FollowerReply) => void) {
    this.#reply = reply;
    const folder = dataFolder(options.dir);
    const reader = this.#resources.use(new SqliteLogReader(folder.log, searchCacheBytes));
    const store = this.#resources.use(new SqliteStateStore(folder.state));
    const seen = new SeenProducers();
    this.#index = this.#resources.use(
      EventIndex.open({
        dir: folder.index,
        log: reader,
        onEntries: (trail, from, entries) => seen.add(trail, from, entries),
        onIndexed: (sizes) => reply({ kind: 'indexed', sizes }),
        onError: (error) => reply({ kind: 'followFailed', failure: failureOf(error) }),
      }),
    );
    this.#resources.use(
      new ProducerFollower({
        log: { trails: () => reader.trails(), listen: (listener) => this.#listen(listener) },
        reader,
        seen,
        store,
        system: { record: (event) => this.#record(event) },
        onError: (error) => reply({ kind: 'followFailed', failure: failureOf(error) }),
      }),
    );
  }

  async handle(request: FollowerRequest): Promise<void> {
    switch (request.kind) {
      case 'grew':
        for (const [trail, size] of request.sizes) this.#index.grew(trail, size);
        for (const listener of this.#listeners) listener.grew?.(request.sizes);
        return;
      case 'recorded':
        this.#recorded(request.record, request.failure);
        return;
      case 'query':
        await this.#answer(request.request, request.query, () => this.#index.query(request.query));
        return;
      case 'stats':
        await this.#answer(request.request, request.query, () => this.#index.stats(request.query));
        return;
      case 'close':
        await this[Symbol.asyncDispose]();
        this.#reply({ kind: 'answer', request: request.request, result: undefined });
        return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources[Symbol.asyncDispose]();
  }

  async #answer(
    request: number,
    { trail, after }: { readonly trail: string; readonly after?: number | undefined },
    work: () => Extract<FollowerReply, { kind: 'answer' }>['result'],
  ): Promise<void> {
    try {
      if (after !== undefined) await this.#index.waitFor(trail, after, maxWaitMs);
      this.#reply({ kind: 'answer', request, result: work() });
    } catch (error) {
      this.#reply({ kind: 'requestFailed', request, failure: failureOf(error) });
    }
  }

  #listen(listener: LogListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Only the main thread appends: it answers when the entry is durable. */
  #record(event: SystemEvent): Promise<void> {
    const record = ++this.#sequence;
    const recording = Promise.withResolvers<void>();
    this.#recording.set(record, recording);
    this.#reply({ kind: 'record', record, event });
    return recording.promise;
  }

  #recorded(record: number, failure: Extract<FollowerRequest, { kind: 'recorded' }>['failure']): void {
    const recording = this.#recording.get(record);
    this.#recording.delete(record);
    if (failure) recording?.reject(new SealtrailError(failure.code, failure.message));
    else recording?.resolve();
  }
}

if (parentPort) {
  const port = parentPort;
  const reply = (message: FollowerReply): void => port.postMessage(message);
  try {
    const thread = new FollowerThread(workerData as FollowerThreadOptions, reply);
    port.on('message', (request: FollowerRequest) => {
      void thread.handle(request).then(() => {
        if (request.kind === 'close') port.close();
      });
    });
  } catch (error) {
    reply({ kind: 'fatal', failure: failureOf(error) });
    port.close();
  }
}
