import { EventEmitter } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { HASH_BYTES, SealtrailError, uuidBytes } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import type { WriteFault } from '../ports.ts';
import { codeOfPromise } from '../testing/code-of.ts';
import { defaultQueueLimits, LogClient, type LogListener } from './log-client.ts';
import { type AppendBatch, entryStatus, type LogReply, type LogRequest } from './protocol.ts';
import { InlineWorker } from './testing/inline-worker.ts';
import { groupOf, risingEvents, risingId } from './testing/sent.ts';
import { startLog } from './testing/start-log.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

const oneOf = (n: number): ReturnType<typeof groupOf> => groupOf([{ id: risingId(n) }]);

describe('LogClient', () => {
  it('gives each of many concurrent requests its own receipts, in a few commits', async () => {
    using folder = temporaryFolder();
    await using started = startLog(folder);
    const { log } = started;
    await log.ready;
    await log.createTrail('main');
    let commits = 0;
    log.listen({ grew: () => commits++ });
    const requests = Array.from({ length: 300 }, (_, i) => risingEvents(i * 10, i * 10 + (i % 7) + 1));
    const results = await Promise.all(requests.map((events) => log.append(groupOf(events))));
    using reader = new SqliteLogReader(folder.log);
    for (const [i, events] of requests.entries()) {
      const { indexes, leafHashes, statuses } = results[i]!;
      expect([...statuses]).toEqual(events.map(() => entryStatus.stored));
      expect(Buffer.from(leafHashes)).toEqual(
        Buffer.concat([...indexes].map((index) => reader.node('main', 0, index))),
      );
      expect([...indexes]).toEqual(events.map(({ id }) => reader.indexOf('main', uuidBytes(id))));
    }
    expect(log.trail('main')?.size).toBe(requests.flat().length);
    expect(log.queuedBytes).toBe(0);
    expect(commits).toBeLessThan(requests.length);
  });

  it('refuses what the queue has no room for, says when to come again, and takes it then', async () => {
    using folder = temporaryFolder();
    await using started = startLog(folder, { limits: { ...defaultQueueLimits, maxQueuedBytes: 100 } });
    const { log } = started;
    await log.ready;
    await log.createTrail('main');
    // A request that finds the queue empty is taken, however large it is.
    const taken = log.append(groupOf(risingEvents(0, 50)));
    const refused = await log.append(oneOf(50)).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(SealtrailError);
    expect(refused).toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 });
    expect((await taken).indexes).toHaveLength(50);
    expect((await log.append(oneOf(50))).indexes[0]).toBe(50);
  });

  it('commits on closing what it has taken, and takes nothing more', async () => {
    using folder = temporaryFolder();
    const { log } = startLog(folder);
    await log.ready;
    await log.createTrail('main');
    const taken = Array.from({ length: 40 }, (_, i) => log.append(oneOf(i)));
    const closed = log.close();
    expect(await codeOfPromise(log.append(oneOf(99)))).toBe('shutting_down');
    expect((await Promise.all(taken)).map(({ indexes }) => indexes[0])).toEqual([...taken.keys()]);
    await closed;
    await log.close();
    for (const late of [log.append(oneOf(99)), log.createTrail('late'), log.publish('main')])
      expect(await codeOfPromise(late)).toBe('shutting_down');
    // The last checkpoint covers everything.
    await using again = startLog(folder);
    await again.log.ready;
    expect(again.log.trail('main')).toMatchObject({ size: 40, checkpoint: { size: 40 } });
  });

  it('rejects everybody who waits, and whoever comes, when the log thread ends', async () => {
    using folder = temporaryFolder();
    const { log, worker } = startLog(folder);
    await log.ready;
    await log.createTrail('main');
    const fatal = Promise.withResolvers<SealtrailError>();
    log.listen({ fatal: fatal.resolve });
    const waiting = [
      ...Array.from({ length: 20 }, (_, i) => log.append(oneOf(i))),
      log.createTrail('other'),
      log.publish('main'),
    ].map(codeOfPromise);
    await worker.terminate();
    for (const code of await Promise.all(waiting)) expect([undefined, 'storage_unavailable']).toContain(code);
    expect((await fatal.promise).code).toBe('storage_unavailable');
    expect(await codeOfPromise(log.append(oneOf(99)))).toBe('storage_unavailable');
    expect(await codeOfPromise(log.createTrail('late'))).toBe('storage_unavailable');
    expect(log.queuedBytes).toBe(0);
    await log.close();
  });

  it('does not hang on closing when the log thread ends meanwhile', async () => {
    using folder = temporaryFolder();
    const { log, worker } = startLog(folder);
    await log.ready;
    await log.createTrail('main');
    const waiting = Array.from({ length: 20 }, (_, i) => codeOfPromise(log.append(oneOf(i))));
    const closed = log.close();
    await worker.terminate();
    await closed;
    for (const code of await Promise.all(waiting)) expect([undefined, 'storage_unavailable']).toContain(code);
  });

  it('says on start why a log cannot be used', async () => {
    using folder = temporaryFolder();
    {
      await using started = startLog(folder);
      await started.log.ready;
      await started.log.createTrail('main');
      await started.log.append(oneOf(0));
    }
    rmSync(folder.log);
    {
      await using started = startLog(folder);
      expect(await codeOfPromise(started.log.ready)).toBe('log_behind_published');
      expect(await codeOfPromise(started.log.append(oneOf(1)))).toBe('log_behind_published');
    }
    const db = new Database(folder.log);
    db.exec('CREATE TABLE something (else_entirely TEXT); PRAGMA user_version = 7');
    db.close();
    await using started = startLog(folder);
    expect(await codeOfPromise(started.log.ready)).toBe('data_folder_invalid');
  });

  it('makes a trail once, and tells the second who asks', async () => {
    using folder = temporaryFolder();
    await using started = startLog(folder);
    const { log } = started;
    await log.ready;
    const [first, second] = await Promise.all([
      log.createTrail('main'),
      codeOfPromise(log.createTrail('main')),
    ]);
    expect(first).toMatchObject({ name: 'main', size: 0, checkpoint: undefined });
    expect(second).toBe('trail_exists');
    expect(log.trail('main')).toEqual(first);
  });

  it('does not sign another history with an old key when log and published.db are both gone', async () => {
    using folder = temporaryFolder();
    {
      await using started = startLog(folder);
      await started.log.ready;
      await started.log.createTrail('main');
      await started.log.append(oneOf(0));
    }
    for (const file of [folder.log, folder.published]) if (existsSync(file)) rmSync(file);
    await using started = startLog(folder);
    await started.log.ready;
    expect(await codeOfPromise(started.log.createTrail('main'))).toBe('log_behind_published');
    expect((await started.log.createTrail('another')).size).toBe(0);
  });
});

/** A log thread that does nothing but what the test says. */
class SilentWorker extends EventEmitter {
  readonly batches: AppendBatch[] = [];

  postMessage(request: LogRequest): void {
    if (request.kind === 'append') this.batches.push(request);
  }

  reply(reply: LogReply): void {
    this.emit('message', reply);
  }

  /** Everything in a batch is stored. */
  answer({ batch, starts: { length } }: AppendBatch): void {
    this.reply({
      ...{ kind: 'appended', batch, sizes: [] },
      indexes: new Float64Array(length),
      leafHashes: new Uint8Array(length * HASH_BYTES),
      statuses: new Uint8Array(length),
    });
  }

  /** Entries of the requests in each batch so far. */
  get sizes(): number[][] {
    return this.batches.map(({ groupSizes }) => [...groupSizes]);
  }
}

describe('LogClient, on its way to the log thread', () => {
  const ten = (n: number): ReturnType<typeof groupOf> => groupOf(risingEvents(10 * n, 10 * n + 10));
  const tenBytes = ten(0).byteLength;
  const start = (limits: Partial<typeof defaultQueueLimits>): { log: LogClient; worker: SilentWorker } => {
    const worker = new SilentWorker();
    const log = new LogClient(worker as unknown as Worker, { ...defaultQueueLimits, ...limits });
    return { log, worker };
  };

  it.each([
    ['entries', { maxBatchEntries: 30 }],
    ['bytes', { maxBatchBytes: 3 * tenBytes }],
  ])(
    'puts as many requests into a batch as its limit of %s allows, two batches at a time',
    async (_, limits) => {
      const { log, worker } = start(limits);
      const settled = Promise.all(Array.from({ length: 8 }, (_, i) => log.append(ten(i))));
      await nextTurn();
      const full = [10, 10, 10];
      expect(worker.sizes).toEqual([full, full]);
      worker.answer(worker.batches[0]!);
      expect(worker.sizes).toEqual([full, full, [10, 10]]);
      for (const batch of worker.batches.slice(1)) worker.answer(batch);
      expect((await settled).map(({ statuses }) => statuses.length)).toEqual(Array(8).fill(10));
      expect(log.queuedBytes).toBe(0);
    },
  );

  it.each([{ maxBatchEntries: 9 }, { maxBatchBytes: tenBytes - 1 }])(
    'takes a request alone that is larger than a batch: %o',
    async (limits) => {
      const { log, worker } = start(limits);
      const settled = Promise.all([log.append(ten(0)), log.append(ten(1))]);
      await nextTurn();
      expect(worker.sizes).toEqual([[10], [10]]);
      for (const batch of worker.batches) worker.answer(batch);
      await settled;
    },
  );

  it('takes as many bytes as the queue has room for, those on their way included, and none more', async () => {
    const { log, worker } = start({ maxQueuedBytes: 3 * tenBytes });
    const taken = [log.append(ten(0))];
    await nextTurn();
    taken.push(log.append(ten(1)), log.append(ten(2)));
    expect(log.queuedBytes).toBe(3 * tenBytes);
    expect(await codeOfPromise(log.append(oneOf(99)))).toBe('overloaded');
    expect(log.queuedBytes).toBe(3 * tenBytes);
    await nextTurn();
    for (const batch of worker.batches) worker.answer(batch);
    await Promise.all(taken);
    expect(log.queuedBytes).toBe(0);
  });

  it('knows a trail as large as it is, when a checkpoint of what it was comes late', () => {
    const { log, worker } = start({});
    const trail = { name: 'main', origin: 'o', vkey: 'v', size: 10, checkpoint: undefined };
    worker.reply({ kind: 'ready', trails: [trail], lost: [] });
    const grown: unknown[] = [];
    log.listen({ grew: (sizes) => grown.push(sizes) });
    worker.reply({ kind: 'published', trail: 'main', checkpoint: { size: 7, note: 'n' } });
    expect(log.trail('main')).toEqual({ ...trail, checkpoint: { size: 7, note: 'n' } });
    expect(grown).toEqual([]);
  });
});

describe('LogClient, when a commit fails', () => {
  /** A log whose next write at a point fails. */
  async function failing(
    folder: ReturnType<typeof temporaryFolder>,
  ): Promise<{ log: LogClient; fail: (point: string, phase: string) => void } & AsyncDisposable> {
    let armed: string | undefined;
    const fault: WriteFault = (point, phase) => {
      if (armed !== `${point} ${phase}`) return;
      armed = undefined;
      throw Object.assign(new Error('injected'), { code: 'SQLITE_FULL' });
    };
    const options = { dir: folder.dir, originPrefix: 'audit.example', publishEveryMs: 20 };
    const log = new LogClient(new InlineWorker(options, fault).asWorker);
    await log.ready;
    await log.createTrail('main');
    const fail = (point: string, phase: string): void => {
      armed = `${point} ${phase}`;
    };
    return { log, fail, [Symbol.asyncDispose]: () => log.close() };
  }

  it.each(['before', 'after'])(
    'says so with a time to come again, and then gives the receipt (%s)',
    async (phase) => {
      using folder = temporaryFolder();
      await using started = await failing(folder);
      const { log, fail } = started;
      await log.append(oneOf(0));
      fail('append', phase);
      const error = await log.append(oneOf(1)).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'storage_unavailable', retryAfterSeconds: 5 });
      const { statuses, indexes } = await log.append(oneOf(1));
      expect([...indexes]).toEqual([1]);
      expect([...statuses]).toEqual([phase === 'before' ? entryStatus.stored : entryStatus.duplicate]);
    },
  );

  it('lets followers and checkpoints know of entries that were stored all the same', async () => {
    using folder = temporaryFolder();
    await using started = await failing(folder);
    const { log, fail } = started;
    await log.append(oneOf(0));
    const grown = Promise.withResolvers<Parameters<NonNullable<LogListener['grew']>>[0]>();
    log.listen({ grew: grown.resolve });
    fail('append', 'after');
    expect(await codeOfPromise(log.append(groupOf(risingEvents(1, 4))))).toBe('storage_unavailable');
    // Nobody sends again: the next round of publishing tells.
    expect(await grown.promise).toEqual([['main', 4]]);
    expect(log.trail('main')).toMatchObject({ size: 4, checkpoint: { size: 4 } });
  });

  it('has a checkpoint for the receipt of an event that was stored by a commit that failed', async () => {
    using folder = temporaryFolder();
    await using started = await failing(folder);
    const { log, fail } = started;
    fail('append', 'after');
    expect(await codeOfPromise(log.append(oneOf(0)))).toBe('storage_unavailable');
    expect((await log.append(oneOf(0))).indexes[0]).toBe(0);
    expect((await log.publish('main')).size).toBe(1);
  });

  it.each(['before', 'after'])('makes the trail when it is asked again (%s)', async (phase) => {
    using folder = temporaryFolder();
    await using started = await failing(folder);
    const { log, fail } = started;
    fail('createTrail', phase);
    expect(await codeOfPromise(log.createTrail('late'))).toBe('storage_unavailable');
    expect(log.trail('late')).toBeUndefined();
    const { vkey } = await log.createTrail('late');
    expect(log.trail('late')).toMatchObject({ name: 'late', vkey, size: 0 });
    expect((await log.append(groupOf([{ id: risingId(1), trail: 'late' }]))).statuses[0]).toBe(
      entryStatus.stored,
    );
    expect((await log.publish('late')).size).toBe(1);
  });

  it('tells of a checkpoint that could not be published, and publishes it later', async () => {
    using folder = temporaryFolder();
    await using started = await failing(folder);
    const { log, fail } = started;
    const failed = Promise.withResolvers<string>();
    const published = Promise.withResolvers<number>();
    log.listen({
      publishFailed: ({ code }) => failed.resolve(code),
      published: (_, { size }) => published.resolve(size),
    });
    fail('published', 'before');
    await log.append(oneOf(0));
    expect(await failed.promise).toBe('storage_unavailable');
    expect(await published.promise).toBe(1);
  });
});
