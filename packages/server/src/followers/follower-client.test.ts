import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { all } from '@sealtrail/core';
import { describe, expect, it, vi } from 'vitest';
import type { EventQuery, EventQueryResult } from '../ports.ts';
import { OpenLog } from '../sequencer/testing/open-log.ts';
import { batchOfEvents, risingEvents } from '../sequencer/testing/sent.ts';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { codeOfPromise } from '../testing/code-of.ts';
import type { FollowerThreadOptions } from '../threads/follower-thread.ts';
import { FollowerClient } from './follower-client.ts';

const query: EventQuery = { trail: 'main', filter: all, limit: 100, nowMs: 0 };

/** A log with its followers in a thread of their own. */
class Followed implements AsyncDisposable {
  readonly folder = temporaryFolder();
  readonly workers: Worker[] = [];
  readonly failures: string[] = [];
  readonly #log = new OpenLog(this.folder);
  readonly #resources = new AsyncDisposableStack();
  #client: FollowerClient | undefined;
  #sent = 0;

  constructor() {
    this.#resources.use(this.folder);
    this.#resources.use(this.#log);
  }

  append(count: number): void {
    const events = risingEvents(this.#sent, this.#sent + count);
    this.#sent += count;
    const { sizes } = this.#log.sequencer.append(batchOfEvents(...events));
    this.#client?.grew(sizes);
  }

  /** Starts the followers. */
  async start(): Promise<FollowerClient> {
    const workerData: FollowerThreadOptions = { dir: this.folder.dir, segmentEntries: 10 };
    const client = new FollowerClient({
      start: () => {
        const worker = new Worker(new URL('../threads/follower-thread.ts', import.meta.url), { workerData });
        this.workers.push(worker);
        return worker;
      },
      record: () => Promise.resolve(),
      onFailure: (message) => this.failures.push(message),
      retryMs: 20,
    });
    this.#client = this.#resources.use(client);
    await client.started;
    return client;
  }

  /** Asks until there is an answer that has everything. */
  async found(client: FollowerClient): Promise<EventQueryResult> {
    return await vi.waitFor(() => client.query({ ...query, after: this.#sent - 1 }), { timeout: 50_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

describe('a thread of followers', () => {
  it('that cannot open the index is started again until it can, and search is away meanwhile', async () => {
    await using followed = new Followed();
    const { folder } = followed;
    followed.append(25);
    writeFileSync(folder.index, 'in the way');
    const client = await followed.start();
    expect(client.unreadiness).toBe('index_unavailable');
    await vi.waitUntil(() => followed.failures.length > 2, { timeout: 50_000 });
    await expect(client.query(query)).rejects.toMatchObject({
      code: 'index_unavailable',
      retryAfterSeconds: expect.any(Number) as number,
    });
    expect(followed.failures[0]).toContain(folder.index);
    followed.append(5);
    rmSync(folder.index);
    expect((await followed.found(client)).items).toHaveLength(30);
    expect(client.unreadiness).toBeUndefined();
  });

  it('that ends is started again, and who has asked is told to come again', async () => {
    await using followed = new Followed();
    followed.append(25);
    const client = await followed.start();
    await followed.found(client);
    const asked = codeOfPromise(client.query({ ...query, after: 100 }));
    await followed.workers[0]!.terminate();
    expect(await asked).toBe('index_unavailable');
    expect(client.unreadiness).toBe('index_unavailable');
    followed.append(5);
    expect((await followed.found(client)).items).toHaveLength(30);
    expect(client.unreadiness).toBeUndefined();
    expect(followed.workers).toHaveLength(2);
  });

  it.each(['damaged', 'removed'])('makes an index again whose files were %s while it ran', async (how) => {
    await using followed = new Followed();
    const { folder } = followed;
    const client = await followed.start();
    followed.append(35);
    await followed.found(client);
    await vi.waitUntil(
      () => readdirSync(folder.index).filter((name) => /^seg-\d+\.db$/.test(name)).length === 3,
      { timeout: 50_000 },
    );
    for (const name of readdirSync(folder.index))
      if (how === 'removed' || name.startsWith('seg-')) rmSync(`${folder.index}/${name}`);
    if (how === 'damaged') writeFileSync(`${folder.index}/seg-00000001.db`, 'x'.repeat(8192));
    followed.append(1);
    expect(await codeOfPromise(client.query(query))).toBe('index_unavailable');
    expect((await followed.found(client)).items).toHaveLength(36);
  });

  it('says that search does not take in what is new while the index cannot be written', async () => {
    await using followed = new Followed();
    const { folder } = followed;
    const client = await followed.start();
    // A folder of this name cannot be replaced by the file.
    mkdirSync(`${folder.index}/seg-00000001.db/full`, { recursive: true });
    followed.append(200);
    await vi.waitUntil(() => client.unreadiness === 'index_behind', { timeout: 50_000 });
    expect((await client.query(query)).items).toHaveLength(30);
    rmSync(`${folder.index}/seg-00000001.db`, { recursive: true });
    expect((await followed.found(client)).items).toHaveLength(100);
    expect(client.unreadiness).toBeUndefined();
  });

  it('that is away keeps nobody from closing', async () => {
    await using followed = new Followed();
    writeFileSync(followed.folder.index, 'in the way');
    const client = await followed.start();
    await client[Symbol.asyncDispose]();
    expect(await codeOfPromise(client.query(query))).toBe('shutting_down');
    const started = followed.workers.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(followed.workers).toHaveLength(started);
  });
});
