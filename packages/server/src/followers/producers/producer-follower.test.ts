import { type Entry, SealtrailError } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { SystemTrail } from '../../access/system-trail.ts';
import { SqliteLogReader } from '../../adapters/sqlite/log-reader.ts';
import { SqliteStateStore } from '../../adapters/sqlite/state-store.ts';
import { Intake } from '../../ingest/intake.ts';
import type { LogClient } from '../../sequencer/log-client.ts';
import { groupOf, risingId } from '../../sequencer/testing/sent.ts';
import { startLog } from '../../sequencer/testing/start-log.ts';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { maxReportsPerHour, ProducerFollower, type ProducerFollowerParts } from './producer-follower.ts';
import { SeenProducers } from './seen-producers.ts';

/** A running log with what a follower of producers needs. */
class Following implements AsyncDisposable {
  readonly folder: ReturnType<typeof temporaryFolder>;
  readonly log: LogClient;
  readonly reader: SqliteLogReader;
  readonly store: SqliteStateStore;
  readonly system: SystemTrail;
  readonly errors: unknown[] = [];
  #follower: ProducerFollower | undefined;
  #sent = 0;

  private constructor(
    log: LogClient,
    folder: ReturnType<typeof temporaryFolder>,
    limits: { readonly maxProducers?: number },
  ) {
    this.log = log;
    this.folder = folder;
    this.reader = new SqliteLogReader(folder.log);
    this.store = new SqliteStateStore(folder.state, limits);
    this.system = new SystemTrail(
      new Intake(log, { now: Date.now, random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)) }),
      (error) => this.errors.push(error),
    );
  }

  static async start(limits: { readonly maxProducers?: number } = {}): Promise<Following> {
    const folder = temporaryFolder();
    const { log } = startLog(folder);
    await log.ready;
    for (const trail of ['main', 'system']) await log.createTrail(trail);
    return new Following(log, folder, limits);
  }

  follow(parts: Partial<ProducerFollowerParts> = {}): void {
    const { log, reader, store, system } = this;
    const onError = (error: unknown): void => void this.errors.push(error);
    this.#follower = new ProducerFollower({
      ...{ log, reader, store, system, onError, seen: new SeenProducers() },
      ...{ lingerMs: 5, retryMs: 1 },
      ...parts,
    });
  }

  async stopFollowing(): Promise<void> {
    await this.#follower?.[Symbol.asyncDispose]();
    this.#follower = undefined;
  }

  /** Reports events of a producer with these sequence numbers, in one request. */
  async send(producer: string, ...seqs: number[]): Promise<void> {
    const events = seqs.map((seq) => ({ id: risingId(this.#sent++), producer: { id: producer, seq } }));
    await this.log.append(groupOf(events));
  }

  /** Resolves when the follower has looked at everything in `main`. */
  async caughtUp(): Promise<void> {
    while (this.store.cursor('main') < this.reader.size('main'))
      await new Promise((resolve) => setTimeout(resolve, 2));
  }

  entries(trail: string): Entry[] {
    return this.reader
      .entries(trail, 0, this.reader.size(trail))
      .map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as Entry);
  }

  /** Gaps reported in `system`, oldest first: producer, first and last number. */
  reported(): unknown[][] {
    return this.entries('system')
      .filter(({ action }) => action === 'producer.sequence_gap')
      .map(({ targets, metadata }) => [targets?.[1]?.id, metadata?.['missingFrom'], metadata?.['missingTo']]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopFollowing();
    await this.log.close();
    this.reader[Symbol.dispose]();
    this.store[Symbol.dispose]();
    this.folder[Symbol.dispose]();
  }
}

describe('ProducerFollower', () => {
  it('reports each jump in the numbers of each producer, once', async () => {
    await using it = await Following.start();
    it.follow();
    await it.send('a', 0, 1, 2);
    await it.send('b', 0, 3);
    await it.caughtUp();
    await it.send('a', 5);
    await it.send('b', 4);
    await it.caughtUp();
    expect(it.reported()).toEqual([
      ['b', 1, 2],
      ['a', 3, 4],
    ]);
    expect(it.store.list('main')).toMatchObject([
      { producer: 'a', firstSeq: 0, lastSeq: 5, missing: [[3, 4]] },
      { producer: 'b', firstSeq: 0, lastSeq: 4, missing: [[1, 2]] },
    ]);
  });

  it('reports that the first events of a producer are missing', async () => {
    await using it = await Following.start();
    it.follow();
    await it.send('a', 2, 3);
    await it.caughtUp();
    expect(it.reported()).toEqual([['a', 0, 1]]);
  });

  it('remembers so many producers, the last ones seen, and takes one that it may have forgotten as it comes', async () => {
    await using it = await Following.start({ maxProducers: 3 });
    it.follow();
    for (const producer of ['a', 'b', 'c', 'a', 'd', 'e']) {
      await it.send(producer, it.store.producer('main', producer) === undefined ? 0 : 1);
      await it.caughtUp();
    }
    expect(it.store.list('main').map(({ producer }) => producer)).toEqual(['a', 'd', 'e']);
    expect(it.store.hasForgottenProducers('main')).toBe(true);
    await it.send('b', 1, 3);
    await it.caughtUp();
    expect(it.reported()).toEqual([['b', 2, 2]]);
    expect(it.store.producer('main', 'b')).toMatchObject({ firstSeq: 1, lastSeq: 3 });
  });

  it('takes numbers that come out of order in one pass for what they are', async () => {
    await using it = await Following.start();
    await it.send('a', 0, 3, 1, 2, 4, 9, 5, 6, 8, 7);
    it.follow();
    await it.caughtUp();
    expect(it.reported()).toEqual([]);
  });

  it('reports a gap that its pass has filled only in part', async () => {
    await using it = await Following.start();
    await it.send('a', 0, 5, 1, 2);
    await it.send('b', 0, 5, 4, 3);
    it.follow();
    await it.caughtUp();
    expect(it.reported()).toEqual([
      ['a', 1, 4],
      ['b', 1, 4],
    ]);
    expect(it.store.producer('main', 'a')?.missing).toEqual([[3, 4]]);
  });

  it('reports so many gaps of a producer in an hour, and counts the others', async () => {
    const seqs = Array.from({ length: 400 }, (_, i) => 2 * i);
    const counted = seqs.length - 1 - maxReportsPerHour;
    await using it = await Following.start();
    await it.send('a', ...seqs);
    await it.send('b', 0, 2);
    it.follow();
    await it.caughtUp();
    const found = it.reported();
    expect(found.filter(([producer]) => producer === 'a').length).toBe(maxReportsPerHour);
    expect(found.filter(([producer]) => producer === 'b')).toEqual([['b', 1, 1]]);
    expect(it.store.producer('main', 'a')?.reports).toMatchObject({
      count: maxReportsPerHour,
      unreported: counted,
    });
  });

  it('says in the next hour how many gaps were not reported', async () => {
    await using it = await Following.start();
    await it.send('a', 0, 2);
    it.follow();
    await it.caughtUp();
    await it.stopFollowing();
    const state = it.store.producer('main', 'a')!;
    const reports = { hour: '2026-01-31T09', count: maxReportsPerHour, unreported: 7 };
    it.store.commit('main', 2, new Map([['a', { ...state, reports }]]));
    await it.send('a', 5);
    it.follow();
    await it.caughtUp();
    const [, last] = it.entries('system');
    expect(last?.metadata).toMatchObject({ missingFrom: 3, missingTo: 4, unreportedGaps: 7 });
    expect(it.store.producer('main', 'a')?.reports).toMatchObject({ count: 1, unreported: 0 });
  });

  it.each(['before the reports', 'after the reports', 'after the commit'])(
    'reports once when it stops %s and starts again, with more to look at by then',
    async (moment) => {
      await using it = await Following.start();
      await it.send('a', 0, 4, 8);
      const stopped = Promise.withResolvers<void>();
      const stopAt = (here: string): void => {
        if (here !== moment) return;
        stopped.resolve();
        throw new Error('stopped here');
      };
      it.follow({
        system: {
          record: async (event) => {
            stopAt('before the reports');
            await it.system.record(event);
          },
        },
        store: {
          cursor: (trail) => it.store.cursor(trail),
          producer: (trail, producer) => it.store.producer(trail, producer),
          hasForgottenProducers: (trail) => it.store.hasForgottenProducers(trail),
          list: (trail) => it.store.list(trail),
          commit: (...args) => {
            stopAt('after the reports');
            it.store.commit(...args);
            stopAt('after the commit');
          },
        },
        retryMs: 60_000,
      });
      await stopped.promise;
      await it.stopFollowing();
      // The pass that is done again has other borders: some of its gaps are filled within it now.
      await it.send('a', 1, 2, 3, 12);
      it.follow();
      await it.caughtUp();
      const found = it.reported();
      expect(found.filter(([, from]) => from === 5)).toEqual([['a', 5, 7]]);
      expect(found.filter(([, from]) => from === 9)).toEqual([['a', 9, 11]]);
      expect(found.filter(([, from]) => from === 1).length).toBe(moment === 'before the reports' ? 0 : 1);
    },
  );

  it('tries again by itself after a failure, and does not keep other trails waiting for it', async () => {
    await using it = await Following.start();
    await it.log.createTrail('other');
    await it.send('a', 0, 2);
    await it.log.append(groupOf([{ id: risingId(0), trail: 'other', producer: { id: 'b', seq: 0 } }]));
    let failures = 0;
    const otherDone = (): boolean => it.store.cursor('other') === 1;
    it.follow({
      system: {
        record: async (event) => {
          if (!otherDone() || failures++ < 3) throw new SealtrailError('storage_unavailable');
          return it.system.record(event);
        },
      },
    });
    await it.caughtUp();
    expect(it.reported()).toEqual([['a', 1, 1]]);
    expect(it.errors.length).toBeGreaterThanOrEqual(3);
  });

  it('goes on where a gap was reported in other words before', async () => {
    await using it = await Following.start();
    await it.send('a', 0, 2);
    it.follow({ system: { record: (event) => it.system.record({ ...event, severity: 'low' }) } });
    await it.caughtUp();
    await it.stopFollowing();
    // As a copy of state.db from before would have it.
    const reports = { hour: '', count: 0, unreported: 0 };
    it.store.commit('main', 0, new Map([['a', { firstSeq: 0, lastSeq: 0, missing: [], reports }]]));
    it.follow();
    await it.caughtUp();
    expect(it.reported()).toEqual([['a', 1, 1]]);
    expect(it.errors).toEqual([]);
  });

  it('looks at what grew while it was looking', async () => {
    await using it = await Following.start();
    it.follow();
    let seq = 0;
    for (let round = 0; round < 50; round++) await it.send('a', seq++, seq++, seq++);
    await it.send('a', seq + 1);
    await it.caughtUp();
    expect(it.reported()).toEqual([['a', seq, seq]]);
  });
});
