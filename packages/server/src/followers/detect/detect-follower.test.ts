import type { Event } from '@sealtrail/core';
import { CompiledRules, Detector, loadRules } from '@sealtrail/core/sigma';
import { describe, expect, it } from 'vitest';
import { openDetectionDatabase } from '../../adapters/sqlite/detection-database.ts';
import { SqliteDetectionStore } from '../../adapters/sqlite/detection-store.ts';
import { SqliteLogReader } from '../../adapters/sqlite/log-reader.ts';
import type { DetectionStore, StoredFinding } from '../../detection-ports.ts';
import { fingerprintsOf } from '../../rules/fingerprint.ts';
import type { LogClient } from '../../sequencer/log-client.ts';
import { SeededRandom } from '../../sequencer/testing/seeded-random.ts';
import { groupOf, risingId } from '../../sequencer/testing/sent.ts';
import { startLog } from '../../sequencer/testing/start-log.ts';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { DetectFollower, type DetectFollowerParts } from './detect-follower.ts';
import { inputOf } from './entry-views.ts';
import { findingOfEpisode, findingOfMatch } from './finding.ts';

const { rules, correlations, faults } = loadRules([
  {
    name: 'rules.yml',
    text: `
title: Failed sign-in
name: failed
logsource: {product: sealtrail}
detection: {selection: {action: user.login, outcome: failure}, condition: selection}
---
title: Sign-in
name: signed_in
logsource: {product: sealtrail}
detection: {selection: {action: user.login, outcome: success}, condition: selection}
---
title: Refund
name: refund
logsource: {product: sealtrail, category: data_change}
detection: {selection: {action: invoice.refund}, condition: selection}
---
title: Brute force
name: brute_force
correlation: {type: event_count, rules: [failed], group-by: [actor.id], timespan: 1m, condition: {gte: 4}}
sealtrail: {finding: true}
---
title: Password spraying
name: spraying
correlation: {type: value_count, rules: [failed], group-by: [source.ip], timespan: 2m, condition: {field: actor.id, gte: 3}}
---
title: Brute force that succeeded
name: break_in
correlation: {type: temporal_ordered, rules: [brute_force, signed_in], group-by: [actor.id], timespan: 5m}
---
title: Few sign-ins
name: few
correlation: {type: event_count, rules: [signed_in], group-by: [source.ip], timespan: 1m, condition: {lt: 2}}
`,
  },
]);
const compiled = new CompiledRules({ rules, correlations });
const followed = { compiled, fingerprints: fingerprintsOf({ rules, correlations }) };
const latenessMs = 30_000;

/** A log with what detection needs. */
class Following implements AsyncDisposable {
  readonly folder: ReturnType<typeof temporaryFolder> = temporaryFolder();
  readonly log: LogClient;
  readonly reader: SqliteLogReader;
  readonly errors: unknown[] = [];
  #db: ReturnType<typeof openDetectionDatabase>;
  store: SqliteDetectionStore;
  #follower: DetectFollower | undefined;
  #sent = 0;
  /** By the number of entries before it: where the clock has moved the watermark. */
  readonly #ticks: Map<number, number> = new Map();

  private constructor(log: LogClient, folder: ReturnType<typeof temporaryFolder>) {
    this.log = log;
    this.folder = folder;
    this.reader = new SqliteLogReader(folder.log);
    this.#db = openDetectionDatabase(folder.detection);
    this.store = new SqliteDetectionStore(this.#db);
  }

  static async start(): Promise<Following> {
    const folder = temporaryFolder();
    const { log } = startLog(folder);
    await log.ready;
    await log.createTrail('main');
    return new Following(log, folder);
  }

  get follower(): DetectFollower {
    return this.#follower!;
  }

  follow(parts: Partial<DetectFollowerParts> = {}): void {
    const { log, reader, store } = this;
    this.#follower = new DetectFollower({
      ...{ log, reader, store, rules: followed, latenessMs, retryMs: 1 },
      onError: (error) => this.errors.push(error),
      ...parts,
    });
  }

  /** Stops in order, or as if the process had been killed: nothing is kept then that was not before. */
  async stop(how: 'in order' | 'killed'): Promise<void> {
    const follower = this.#follower;
    this.#follower = undefined;
    if (how === 'killed') {
      this.#db.close();
      await follower?.[Symbol.asyncDispose]().catch(() => {});
      this.#db = openDetectionDatabase(this.folder.detection);
      this.store = new SqliteDetectionStore(this.#db);
    } else await follower?.[Symbol.asyncDispose]();
  }

  async send(events: readonly Partial<Event>[]): Promise<void> {
    await this.log.append(groupOf(events.map((event) => ({ ...event, id: risingId(this.#sent++) }))));
  }

  get hasTicked(): boolean {
    return this.#ticks.size > 0;
  }

  async caughtUp(): Promise<void> {
    const isBehind = (): boolean => {
      const { entries, isReady } = this.follower.progress('main');
      return !isReady || entries < this.reader.size('main');
    };
    while (isBehind()) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  within(work: () => void): void {
    this.#db.transaction(work)();
  }

  /** Commits, and notes where the clock has moved the watermark. */
  commit(...[trail, found, within]: Parameters<SqliteDetectionStore['commit']>): void {
    this.store.commit(trail, found, within);
    if (found.tickMs !== undefined) this.#ticks.set(found.cursor, found.tickMs);
  }

  /** What one uninterrupted pass over the log finds, if the clock moves the watermark where it did. */
  findingsByOnePass(): StoredFinding[] {
    const detector = new Detector(compiled, { latenessMs });
    const found = new Map<string, StoredFinding>();
    const note = (findings: readonly StoredFinding[]): void => {
      for (const finding of findings) found.set(finding.id, finding);
    };
    const passTo = (entries: number): void => {
      const tickMs = this.#ticks.get(entries);
      if (tickMs === undefined) return;
      note(detector.finish(tickMs).map((episode) => findingOfEpisode('main', episode)));
    };
    this.reader.entries('main', 0, this.reader.size('main')).forEach((bytes, index) => {
      const { matches, episodes } = detector.take([inputOf(bytes, index)]);
      note(matches.map((match) => findingOfMatch('main', match)));
      note(episodes.map((episode) => findingOfEpisode('main', episode)));
      passTo(index + 1);
    });
    return [...found.values()].sort(byId);
  }

  findings(): StoredFinding[] {
    return [...this.store.findings('main', 100_000)].sort(byId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('in order');
    await this.log.close();
    this.reader[Symbol.dispose]();
    this.#db.close();
    this.folder[Symbol.dispose]();
  }
}

const byId = (a: StoredFinding, b: StoredFinding): number => (a.id < b.id ? -1 : 1);

/** Sign-ins and refunds of a few people, a second apart, some of them late. */
function* randomEvents(seed: number): Generator<Partial<Event>, never> {
  const random = new SeededRandom(seed);
  for (let n = 0; ; n++) {
    const late = random.next() < 0.2 ? random.integer(0, 28) : 0;
    const time = new Date(Date.UTC(2025, 0, 1) + (n + 60 - late) * 1000).toISOString();
    if (random.next() < 0.1) yield { time, action: 'invoice.refund', category: 'data_change' };
    else
      yield {
        time,
        action: 'user.login',
        outcome: random.next() < 0.7 ? 'failure' : 'success',
        actor: { type: 'user', id: `u_${random.integer(1, 6)}` },
        source: { ip: `192.0.2.${random.integer(1, 3)}` },
      };
  }
}

const take = (events: Generator<Partial<Event>, never>, count: number): Partial<Event>[] =>
  Array.from({ length: count }, () => events.next().value);

describe('DetectFollower', () => {
  it('rules of the test are understood', () => {
    expect(faults).toEqual([]);
  });

  it('finds what rules and correlations say, and tells once it is durable', async () => {
    await using it = await Following.start();
    const told: StoredFinding[] = [];
    it.follow({
      onFindings: (findings) => {
        for (const finding of findings) expect(it.findings().map(({ id }) => id)).toContain(finding.id);
        told.push(...findings);
      },
    });
    const login = (second: number, outcome: 'failure' | 'success'): Partial<Event> => ({
      time: new Date(Date.UTC(2025, 0, 1, 0, 0, second)).toISOString(),
      action: 'user.login',
      outcome,
      actor: { type: 'user', id: 'u_1' },
      source: { ip: '192.0.2.1' },
    });
    await it.send([1, 2, 3, 4].map((second) => login(second, 'failure')));
    await it.caughtUp();
    expect(it.findings()).toMatchObject([
      {
        rule: 'brute_force',
        entity: { 'actor.id': 'u_1' },
        peak: 4,
        entries: [0, 1, 2, 3],
        endMs: undefined,
      },
    ]);
    expect(told.length).toBe(1);
    await it.send([login(10, 'success'), { ...login(300, 'failure'), actor: { type: 'user', id: 'u_9' } }]);
    await it.caughtUp();
    expect(
      it
        .findings()
        .map(({ rule }) => rule)
        .sort(),
    ).toEqual(['break_in', 'brute_force', 'few']);
    expect(it.findings().find(({ rule }) => rule === 'brute_force')!.endMs).toBeDefined();
    expect(it.follower.progress('main')).toEqual({
      entries: 6,
      completeMs: Date.UTC(2025, 0, 1, 0, 0, 300) - latenessMs,
      late: 0,
      isReady: true,
    });
  });

  it('loses no change that was not kept yet when it is killed before its first snapshot', async () => {
    await using it = await Following.start();
    it.follow();
    const login = (second: number, id: string, outcome: 'failure' | 'success'): Partial<Event> => ({
      time: new Date(Date.UTC(2025, 0, 1, 0, 0, second)).toISOString(),
      ...{ action: 'user.login', outcome, actor: { type: 'user', id }, source: { ip: '192.0.2.1' } },
    });
    const failed = (seconds: readonly number[], id: string): Partial<Event>[] =>
      seconds.map((second) => login(second, id, 'failure'));
    await it.send(failed([1, 2, 3, 4], 'u_1'));
    await it.caughtUp();
    // It changes, which waits to be kept, and then somebody else's is kept with the cursor.
    await it.send(failed([20, 12], 'u_1'));
    await it.caughtUp();
    await it.send(failed([21, 22, 23, 24], 'u_2'));
    await it.caughtUp();
    await it.stop('killed');
    it.follow();
    await it.caughtUp();
    await it.stop('in order');
    expect(it.findings()).toEqual(it.findingsByOnePass());
  });

  it('ends what a correlation found that is another one now, or gone', async () => {
    await using it = await Following.start();
    it.follow();
    const at = (second: number): string => new Date(Date.UTC(2025, 0, 1, 0, 0, second)).toISOString();
    const failure = { action: 'user.login', outcome: 'failure', actor: { type: 'user', id: 'u_1' } } as const;
    await it.send([1, 2, 3, 40].map((second) => ({ ...failure, time: at(second) })));
    await it.caughtUp();
    const [open] = it.findings().filter(({ rule }) => rule === 'brute_force');
    expect(open!.endMs).toBeUndefined();
    it.follower.reload({
      ...followed,
      fingerprints: new Map([...followed.fingerprints, ['brute_force', 'another one']]),
    });
    await it.caughtUp();
    await expect
      .poll(() => it.findings().find(({ id }) => id === open!.id)?.endMs)
      .toBe(Date.UTC(2025, 0, 1, 0, 0, 40));
  });

  it('goes on exactly where other rules come to nothing, and what was kept with them', async () => {
    await using it = await Following.start();
    const events = randomEvents(7);
    it.follow();
    for (let round = 0; round < 5; round++) {
      await it.send(take(events, 20));
      await it.caughtUp();
      // One trail is kept, then the transaction fails as a whole.
      expect(() =>
        it.within(() => {
          it.follower.reload(followed);
          throw new Error('injected');
        }),
      ).toThrow('injected');
      await it.send(take(events, 20));
      await it.caughtUp();
      await it.stop('in order');
      it.follow();
    }
    await it.caughtUp();
    await it.stop('in order');
    expect(it.findings()).toEqual(it.findingsByOnePass());
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'finds the same as one pass over the log, wherever it is stopped, killed or fails (seed %i)',
    async (seed) => {
      await using it = await Following.start();
      const random = new SeededRandom(1000 + seed);
      const events = randomEvents(seed);
      const failing = (): DetectionStore => {
        const { store } = it;
        const mayFail = (): void => {
          if (random.next() < 0.1) throw new Error('injected');
        };
        return {
          cursor: (trail) => store.cursor(trail),
          isSettled: (finding) => store.isSettled(finding),
          ticks: (trail) => store.ticks(trail),
          between: (...args) => store.between(...args),
          snapshot: (trail) => store.snapshot(trail),
          findings: (trail, limit) => store.findings(trail, limit),
          commit: (...args) => {
            mayFail();
            it.commit(...args);
            mayFail();
          },
          keep: (...args) => {
            mayFail();
            store.keep(...args);
            mayFail();
          },
        };
      };
      for (let round = 0; round < 25; round++) {
        it.follow({ store: failing(), snapshotEvery: random.integer(1, 40) });
        for (let request = 0; request < 4; request++) {
          await it.send(take(events, random.integer(1, 12)));
          if (random.next() < 0.5) await it.caughtUp();
          // Nothing comes for up to a minute.
          if (random.next() < 0.3) it.follower.tick(Date.now() + random.integer(0, 60_000));
        }
        await it.stop(random.next() < 0.5 ? 'killed' : 'in order').catch(() => {});
      }
      it.follow();
      await it.caughtUp();
      await it.stop('in order');
      const findings = it.findings();
      expect(findings.length).toBeGreaterThan(20);
      expect(it.hasTicked).toBe(true);
      expect(findings).toEqual(it.findingsByOnePass());
    },
  );
});
