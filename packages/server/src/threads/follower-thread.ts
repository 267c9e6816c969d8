import { parentPort, workerData } from 'node:worker_threads';
import { SealtrailError } from '@sealtrail/core';
import type { SystemEvent } from '../access/system-trail.ts';
import { diskFailure } from '../adapters/disk-failure.ts';
import { type DataFolder, dataFolder } from '../adapters/fs/data-folder.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import { SqliteStateStore } from '../adapters/sqlite/state-store.ts';
import { EventIndex } from '../followers/index/event-index.ts';
import { ProducerFollower } from '../followers/producers/producer-follower.ts';
import { SeenProducers } from '../followers/producers/seen-producers.ts';
import type { FollowerAnswer, FollowerReply, FollowerRequest } from '../followers/protocol.ts';
import { AsyncResources } from '../resources.ts';
import type { LogListener } from '../sequencer/log-client.ts';
import { failureOf, startFailure } from './failure.ts';

/** What the thread is started with. */
export interface FollowerThreadOptions {
  readonly dir: string;
  /** Entries a segment of the index; smaller in tests. */
  readonly segmentEntries?: number;
}

/** About 50,000 entries: a page of scattered ones decompresses a bundle for each that is not there. */
const searchCacheBytes = 32 * 1024 * 1024;
/** Longest wait of a query for entries that are not searchable yet. */
const maxWaitMs = 10_000;

/** The thread of the followers: the search index, which also answers searches, and the one of producers' sequences. */
class FollowerThread {
  readonly #reply: (reply: FollowerReply) => void;
  readonly #folder: DataFolder;
  readonly #resources: AsyncResources;
  readonly #index: EventIndex;
  readonly #listeners: Set<LogListener> = new Set();
  readonly #recording: Map<number, PromiseWithResolvers<void>> = new Map();
  #sequence = 0;
  #isRemaking = false;

  /** @throws when the index or what is beside it cannot be opened, as on a full disk */
  constructor(
    { dir, ...options }: FollowerThreadOptions,
    reply: (reply: FollowerReply) => void,
    resources: AsyncResources,
  ) {
    this.#reply = reply;
    this.#folder = dataFolder(dir);
    this.#resources = resources;
    const reader = resources.use(new SqliteLogReader(this.#folder.log, searchCacheBytes));
    const store = resources.use(new SqliteStateStore(this.#folder.state));
    const seen = new SeenProducers();
    this.#index = resources.use(
      EventIndex.open({
        ...options,
        dir: this.#folder.index,
        log: reader,
        onEntries: (trail, from, entries) => seen.add(trail, from, entries),
        onIndexed: (sizes) => reply({ kind: 'indexed', sizes }),
        onError: (error) => {
          const failure = failureOf(diskFailure(this.#folder.index, error) ?? error);
          reply({ kind: 'followFailed', failure });
        },
        onHeldUp: (isHeldUp) => reply({ kind: 'heldUp', isHeldUp }),
        onDamage: (error) => void this.#remake(error),
      }),
    );
    reply({ kind: 'opened', sizes: [...this.#index.indexedSizes] });
    resources.use(
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
        await this.#close();
        this.#reply({ kind: 'answer', request: request.request, result: undefined });
        return;
    }
  }

  /** Whatever fails to close is no reason to stay. */
  async #close(): Promise<void> {
    await this.#resources[Symbol.asyncDispose]().catch((error: unknown) =>
      this.#reply({ kind: 'followFailed', failure: failureOf(error) }),
    );
  }

  /** Ends the thread with an index that is damaged; the next one makes it again from the log. */
  async #remake(error: unknown): Promise<void> {
    if (this.#isRemaking) return;
    this.#isRemaking = true;
    await this.#close();
    try {
      EventIndex.remove(this.#folder.index);
      this.#reply({ kind: 'fatal', failure: failureOf(error) });
    } catch (cause) {
      this.#reply({ kind: 'fatal', failure: startFailure(this.#folder.index, cause) });
    }
  }

  async #answer(
    request: number,
    { trail, after }: { readonly trail: string; readonly after?: number | undefined },
    work: () => FollowerAnswer,
  ): Promise<void> {
    try {
      // Its files are being closed.
      if (this.#isRemaking) throw new SealtrailError('index_unavailable');
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
    this.#reply({ kind: 'record', record, events: [event] });
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
  const options = workerData as FollowerThreadOptions;
  const resources = new AsyncResources();
  try {
    const thread = new FollowerThread(options, reply, resources);
    port.on('message', (request: FollowerRequest) => {
      void thread.handle(request).then(() => {
        if (request.kind === 'close') port.close();
      });
    });
  } catch (error) {
    await resources[Symbol.asyncDispose]().catch(() => {});
    reply({ kind: 'fatal', failure: startFailure(dataFolder(options.dir).index, error) });
    port.close();
  }
}
