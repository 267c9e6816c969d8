import { type AlertAction, alertSchema, type Notification } from '@sealtrail/core';
import type Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SqliteActStore } from '../../adapters/sqlite/act-store.ts';
import { SqliteAlertStore } from '../../adapters/sqlite/alert-store.ts';
import { openDetectionDatabase } from '../../adapters/sqlite/detection-database.ts';
import { SqliteDetectionStore } from '../../adapters/sqlite/detection-store.ts';
import type { Act, StoredAlert, StoredFinding } from '../../detection-ports.ts';
import { SeededRandom } from '../../sequencer/testing/seeded-random.ts';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { codeOf } from '../../testing/code-of.ts';
import { AlertBook, type AlertBookParts, type AlertRule } from './alert-book.ts';
import { type NotifiedChannel, Notifier } from './notifier.ts';
import { Silences } from './silences.ts';

const by = { actor: { type: 'api_key', id: 'tok_1', name: 'analyst' } } as const;
const rules: Readonly<Record<string, AlertRule>> = {
  guessing: { title: 'Guessing', level: 'medium', tags: ['attack.t1110'], risk: 20 },
  break_in: { title: 'Break-in', level: 'critical', tags: [], risk: 80 },
  noise: { title: 'Noise', level: 'informational', tags: [], risk: 1 },
};
const dayMs = 86_400_000;
const startMs = Date.UTC(2026, 0, 5);

/** Alerts over a database of their own, at a time that stands still. */
class Book implements Disposable {
  readonly folder = temporaryFolder();
  readonly db: Database.Database = openDetectionDatabase(this.folder.detection);
  readonly store = new SqliteAlertStore(this.db);
  readonly acts = new SqliteActStore(this.db);
  readonly findings = new SqliteDetectionStore(this.db);
  readonly told: { readonly channel: string; readonly type: string; readonly alert: string }[] = [];
  channels: NotifiedChannel[] = [channel('chn_1')];
  nowMs = startMs;
  readonly notifier = new Notifier({
    store: this.store,
    channels: () => this.channels,
    enqueue: (to, { type, data }: Notification) =>
      void this.told.push({ channel: to, type, alert: data.alert.id }),
    inhibitors: (rule) => (rule === 'guessing' ? ['break_in'] : []),
    now: () => this.nowMs,
  });
  readonly book = new AlertBook({
    store: this.store,
    acts: this.acts,
    now: () => this.nowMs,
    ruleOf: (key) => rules[key],
    read: (_, entries) => ({
      actors: entries.map((index) => `u_${index}`),
      addresses: [],
      firstMs: undefined,
    }),
    onChange: (alert, change) => this.notifier.changed(alert, change),
  });
  readonly silences = new Silences({
    store: this.store,
    acts: this.acts,
    now: () => this.nowMs,
    newId: () => `sil_${'a'.repeat(16)}`,
  });

  /** Findings as the follower commits them. */
  take(...found: readonly StoredFinding[]): void {
    this.findings.commit('main', { cursor: 0, findings: found }, () => {
      this.book.take(found);
      this.notifier.notifyDue();
    });
  }

  act(id: string, action: AlertAction): StoredAlert {
    return this.db.transaction(() => this.book.act(id, action, by))();
  }

  /** Lets time pass, and what is due be told. */
  wait(ms: number): void {
    this.nowMs += ms;
    this.db.transaction(() => this.notifier.notifyDue())();
  }

  /** In the order in which they were opened. */
  get alerts(): readonly StoredAlert[] {
    return this.recorded
      .filter(({ action }) => action === 'alert.open')
      .map(({ targets }) => this.store.get(targets![0]!.id!)!);
  }

  get types(): readonly string[] {
    return this.told.map(({ type }) => type.replace('alert.', ''));
  }

  get recorded(): readonly Act[] {
    return this.acts.waiting(1000).map(({ act }) => act);
  }

  [Symbol.dispose](): void {
    this.db.close();
    this.folder[Symbol.dispose]();
  }
}

function channel(id: string, timers: Partial<NotifiedChannel['timers']> = {}): NotifiedChannel {
  return {
    id,
    isEnabled: true,
    filter: { minLevel: 'medium' },
    timers: { waitMs: 0, intervalMs: 300_000, repeatMs: 3_600_000, ...timers },
  };
}

let number = 0;
function finding(given: Partial<StoredFinding> = {}): StoredFinding {
  number++;
  const at = given.startMs ?? startMs;
  return {
    id: `fnd_${number.toString(16).padStart(24, '0')}`,
    trail: 'main',
    tenant: undefined,
    rule: 'guessing',
    kind: 'correlation',
    entity: { 'actor.id': 'u_1' },
    ...{ startMs: at, lastMs: at, endMs: undefined, peak: 5, value: undefined },
    entries: [number],
    mergedInto: undefined,
    ...given,
  };
}

let kept: Book;
beforeEach(() => {
  kept = new Book();
});
afterEach(() => kept[Symbol.dispose]());

describe('alerts', () => {
  it('group findings by trail, tenant, rule and entity', () => {
    kept.take(
      finding(),
      finding(),
      finding({ entity: { 'actor.id': 'u_2' } }),
      finding({ tenant: 'acme' }),
      finding({ rule: 'break_in' }),
      finding({ trail: 'other' }),
    );
    expect(kept.alerts.map(({ findings }) => findings).sort()).toEqual([1, 1, 1, 1, 2]);
    const [first] = kept.alerts.filter(({ findings }) => findings === 2);
    expect(first).toMatchObject({
      id: expect.stringMatching(/^alr_[0-9a-f]{24}$/) as string,
      rule: { key: 'guessing', title: 'Guessing' },
      level: 'medium',
      risk: 40,
      status: 'open',
    });
  });

  it('are not made of what is informational', () => {
    kept.take(finding({ rule: 'noise' }));
    expect(kept.alerts).toEqual([]);
  });

  it('are amended by a finding that is told again, and count it once', () => {
    const one = finding();
    kept.take(one);
    kept.take({ ...one, lastMs: startMs + 5000, entries: [...one.entries, 9000] });
    expect(kept.alerts).toMatchObject([
      { findings: 1, risk: 20, lastEventAt: new Date(startMs + 5000).toISOString() },
    ]);
    expect(kept.recorded.map(({ action }) => action)).toEqual(['alert.open']);
  });

  it('begin anew after a day of quiet', () => {
    kept.take(finding());
    kept.take(finding({ startMs: startMs + dayMs }));
    expect(kept.alerts).toHaveLength(1);
    kept.take(finding({ startMs: startMs + 2 * dayMs + 1 }));
    expect(kept.alerts.map(({ findings }) => findings)).toEqual([2, 1]);
  });

  it('are opened anew by what is new once they are resolved, and by what goes on', () => {
    const one = finding();
    kept.take(one);
    kept.nowMs = startMs + 60_000;
    kept.act(kept.alerts[0]!.id, { action: 'resolve', disposition: 'true_positive' });
    // What is known of it is amended, and stays with it.
    kept.take({ ...one, lastMs: startMs + 1000 });
    expect(kept.alerts).toMatchObject([{ status: 'resolved', findings: 1 }]);
    // Late, and nobody has looked at it.
    kept.take(finding({ startMs: startMs - 1000 }));
    expect(kept.alerts.map(({ status }) => status).sort()).toEqual(['open', 'resolved']);
    kept.act(kept.alerts[1]!.id, { action: 'resolve', disposition: 'true_positive' });
    kept.take({ ...one, lastMs: startMs + 61_000 });
    kept.take({ ...one, lastMs: startMs + 62_000 });
    expect(kept.alerts.map(({ status }) => status).sort()).toEqual(['open', 'resolved', 'resolved']);
  });

  it('of findings that are withdrawn stay for somebody to judge, and count them again when they are back', () => {
    const [one, two, alone] = [finding(), finding({ startMs: startMs + 1000 }), finding({ trail: 'other' })];
    kept.take(one, two, alone);
    const withdrawn = (of: StoredFinding): StoredFinding => ({ ...of, mergedInto: of.id });
    const ofTrail = (trail: string) => kept.alerts.filter((alert) => alert.trail === trail);
    kept.take(withdrawn(two), withdrawn(alone));
    kept.take(withdrawn(alone));
    expect(ofTrail('main')).toMatchObject([{ status: 'open', findings: 1, risk: 20 }]);
    const [empty] = ofTrail('other');
    expect(empty).toMatchObject({ status: 'open', findings: 0, risk: 0 });
    expect(kept.store.steps(empty!.id).map(({ action }) => action)).toEqual(['open', 'note']);
    expect(alertSchema.safeParse(kept.notifier.shown(empty!)).success).toBe(true);
    kept.take(two, alone);
    kept.take(two, alone);
    expect(ofTrail('main')).toMatchObject([{ status: 'open', findings: 2, risk: 40 }]);
    expect(ofTrail('other')).toMatchObject([{ status: 'open', findings: 1, risk: 20 }]);
    kept.take(withdrawn(alone));
    kept.act(empty!.id, { action: 'resolve', disposition: 'false_positive' });
    kept.take(alone);
    expect(ofTrail('other').map(({ status }) => status)).toEqual(
      expect.arrayContaining(['resolved', 'open']),
    );
  });

  it('that become a part of another one by late events are resolved as its duplicates', () => {
    const [one, two] = [finding(), finding({ startMs: startMs + 3 * dayMs })];
    kept.take(one);
    kept.take(two);
    expect(kept.alerts).toHaveLength(2);
    kept.take({ ...one, lastMs: two.lastMs }, { ...two, mergedInto: one.id });
    expect(kept.alerts).toMatchObject([
      { status: 'open', findings: 1 },
      { status: 'resolved', disposition: 'duplicate', duplicateOf: kept.alerts[0]!.id },
    ]);
    // Within one alert it only counts less.
    const [three, four] = [
      finding({ entity: { 'actor.id': 'u_3' } }),
      finding({ entity: { 'actor.id': 'u_3' } }),
    ];
    kept.take(three, four);
    kept.take(three, { ...four, mergedInto: three.id });
    kept.take(three, { ...four, mergedInto: three.id });
    expect(kept.alerts[2]).toMatchObject({ findings: 1, risk: 20, status: 'open' });
  });

  it('are as few as there are stretches without quiet, in whatever order their findings come', () => {
    for (let n = 0; n < 20; n++) kept.take(finding({ startMs: startMs + (n % 2) * 3 * dayMs }));
    expect(kept.alerts.map(({ findings }) => findings)).toEqual([10, 10]);
  });

  it('keep the first and the last entries, and so many parties', () => {
    const one = finding({ entries: [1] });
    kept.take(one);
    for (let n = 2; n <= 40; n++) kept.take(finding({ entries: [n] }));
    expect(kept.alerts[0]!.entries).toEqual([1, 2, 3, 4, 5, 36, 37, 38, 39, 40]);
    expect(kept.alerts[0]!.actors).toHaveLength(10);
  });

  it('go through their life by steps, each of which is an act', () => {
    kept.take(finding());
    const { id } = kept.alerts[0]!;
    kept.nowMs += 1000;
    expect(kept.act(id, { action: 'acknowledge' })).toMatchObject({ status: 'acknowledged' });
    expect(kept.act(id, { action: 'assign', assignee: 'u_7', note: 'yours' })).toMatchObject({
      status: 'assigned',
      assignee: 'u_7',
      acknowledgedAt: new Date(startMs + 1000).toISOString(),
    });
    kept.nowMs += 1000;
    kept.act(id, { action: 'note', note: 'it was the test team' });
    expect(kept.act(id, { action: 'resolve', disposition: 'benign' })).toMatchObject({
      status: 'resolved',
      disposition: 'benign',
      resolvedAt: new Date(startMs + 2000).toISOString(),
    });
    kept.act(id, { action: 'reopen' });
    expect(kept.alerts[0]).toMatchObject({ status: 'open', disposition: null, resolvedAt: null });
    const actions = ['open', 'acknowledge', 'assign', 'note', 'resolve', 'reopen'];
    expect(kept.store.steps(id).map(({ action }) => action)).toEqual(actions);
    expect(kept.recorded.map(({ action }) => action)).toEqual(actions.map((action) => `alert.${action}`));
    expect(kept.recorded[2]).toMatchObject({
      actor: by.actor,
      targets: [{ type: 'alert', id }],
      metadata: { rule: 'guessing', assignee: 'u_7', note: 'yours' },
    });
    expect(new Set(kept.recorded.map((act) => act.id)).size).toBe(6);
  });

  it('refuse steps that are not for their state', () => {
    kept.take(finding(), finding({ trail: 'other' }));
    const { id } = kept.alerts.find(({ trail }) => trail === 'main')!;
    const other = kept.alerts.find(({ trail }) => trail === 'other')!;
    expect(codeOf(() => kept.act('alr_x', { action: 'note', note: 'x' }))).toBe('alert_not_found');
    expect(codeOf(() => kept.act(id, { action: 'reopen' }))).toBe('alert_not_open');
    for (const duplicateOf of [id, other.id, 'alr_x'])
      expect(codeOf(() => kept.act(id, { action: 'resolve', disposition: 'duplicate', duplicateOf }))).toBe(
        'invalid_body',
      );
    kept.act(id, { action: 'resolve', disposition: 'false_positive' });
    for (const action of [
      { action: 'acknowledge' },
      { action: 'assign', assignee: 'u_1' },
      { action: 'resolve', disposition: 'benign' },
    ] satisfies AlertAction[])
      expect(codeOf(() => kept.act(id, action))).toBe('alert_not_open');
  });

  it('change under numbers that rise, and can be followed by them', () => {
    kept.take(finding(), finding({ entity: {} }));
    const [first] = kept.alerts;
    kept.act(first!.id, { action: 'acknowledge' });
    const changed = kept.store.changedAfter(0, { limit: 10 });
    expect(changed.map(({ revision }) => revision)).toEqual([2, 3]);
    expect(kept.store.changedAfter(2, { limit: 10 }).map(({ id }) => id)).toEqual([first!.id]);
    expect(new AlertBook({ ...({} as AlertBookParts), store: kept.store }).revision).toBe(3);
  });

  it('are counted, with mean times', () => {
    kept.take(finding({ startMs: startMs - 4000 }), finding({ rule: 'break_in', startMs: startMs - 2000 }));
    for (const [n, { id }] of kept.alerts.entries()) {
      kept.nowMs = startMs + 1000 * (n + 1);
      kept.act(id, { action: 'acknowledge' });
    }
    kept.act(kept.alerts[0]!.id, { action: 'resolve', disposition: 'false_positive' });
    expect(kept.store.stats({})).toMatchObject({
      byStatus: { acknowledged: 1, resolved: 1 },
      byLevel: { medium: 1, critical: 1 },
      byDisposition: { false_positive: 1 },
      meanTimeToDetectMs: 3000,
      meanTimeToAcknowledgeMs: 1500,
      meanTimeToResolveMs: 2000,
    });
    expect(kept.store.stats({ minLevel: 'high' }).byLevel).toEqual({ critical: 1 });
  });
});

describe('channels are told', () => {
  it('at once, then of changes at most each interval, and again as long as nobody takes it up', () => {
    kept.take(finding());
    expect(kept.types).toEqual(['opened']);
    kept.wait(1000);
    kept.take(finding());
    kept.wait(200_000);
    expect(kept.types).toEqual(['opened']);
    kept.wait(100_000);
    expect(kept.types).toEqual(['opened', 'updated']);
    kept.wait(3_600_000);
    expect(kept.types).toEqual(['opened', 'updated', 'repeated']);
    kept.act(kept.alerts[0]!.id, { action: 'acknowledge' });
    kept.wait(10 * 3_600_000);
    expect(kept.types).toHaveLength(3);
    kept.act(kept.alerts[0]!.id, { action: 'resolve', disposition: 'benign' });
    expect(kept.types).toEqual(['opened', 'updated', 'repeated', 'resolved']);
    kept.wait(10 * 3_600_000);
    expect(kept.types).toHaveLength(4);
  });

  it('after their wait, once, of all that came meanwhile', () => {
    kept.channels = [channel('chn_1', { waitMs: 30_000 })];
    kept.take(finding());
    kept.take(finding());
    kept.wait(29_999);
    expect(kept.types).toEqual([]);
    kept.wait(1);
    kept.wait(300_000);
    expect(kept.types).toEqual(['opened']);
  });

  it('of what passes their filter alone, and not while they are disabled', () => {
    const narrowed = (filter: Partial<NotifiedChannel['filter']>): NotifiedChannel => ({
      ...channel(JSON.stringify(filter)),
      filter: { minLevel: 'low', ...filter },
    });
    kept.channels = [
      narrowed({ minLevel: 'high' }),
      narrowed({ rules: ['other'] }),
      narrowed({ trails: ['other'] }),
      narrowed({ tenants: ['acme'] }),
      { ...channel('disabled'), isEnabled: false },
      narrowed({ rules: ['guessing'], trails: ['main'] }),
    ];
    kept.take(finding());
    expect(kept.told.map((told) => told.channel)).toEqual([
      JSON.stringify({ rules: ['guessing'], trails: ['main'] }),
    ]);
  });

  it('nothing of what is silenced, until the silence ends', () => {
    kept.db.transaction(() =>
      kept.silences.create(
        {
          match: { rule: 'guessing', entity: { 'actor.id': 'u_1' } },
          owner: 'ops',
          reason: 'drill',
          endsAt: new Date(startMs + 600_000).toISOString(),
        },
        by,
      ),
    )();
    kept.take(finding(), finding({ entity: { 'actor.id': 'u_2' } }));
    expect(kept.told).toHaveLength(1);
    const silenced = kept.alerts.find(({ entity }) => entity['actor.id'] === 'u_1')!;
    expect(kept.notifier.shown(silenced).silencedBy).toEqual([`sil_${'a'.repeat(16)}`]);
    kept.wait(500_000);
    expect(kept.told).toHaveLength(1);
    kept.wait(100_000);
    kept.wait(60_000);
    expect(kept.types).toEqual(['opened', 'opened']);
    expect(kept.recorded.find(({ action }) => action === 'silence.create')).toMatchObject({
      actor: by.actor,
      metadata: { owner: 'ops', reason: 'drill', match: { rule: 'guessing' } },
    });
  });

  it('at once when a silence is ended before its time', () => {
    const silence = kept.db.transaction(() =>
      kept.silences.create(
        { match: { rule: 'guessing' }, owner: 'ops', reason: 'r', endsAt: '2026-02-01T00:00:00Z' },
        by,
      ),
    )();
    kept.take(finding());
    kept.wait(1000);
    kept.db.transaction(() => {
      kept.silences.end(silence.id, by);
      kept.notifier.unmute();
      kept.notifier.notifyDue();
    })();
    expect(kept.types).toEqual(['opened']);
    expect(kept.silences.list()).toMatchObject([{ state: 'ended', endedBy: 'tok_1' }]);
    expect(codeOf(() => kept.silences.end('sil_x', by))).toBe('silence_not_found');
  });

  it('of what another alert would stand for, where they were not told of that one', () => {
    kept.channels = [{ ...channel('chn_1'), filter: { minLevel: 'low', rules: ['guessing'] } }];
    kept.take(finding({ rule: 'break_in' }));
    kept.take(finding());
    expect(kept.types).toEqual(['opened']);
  });

  it('of a note nothing, and again when it is opened again', () => {
    kept.take(finding());
    const { id } = kept.alerts[0]!;
    kept.act(id, { action: 'note', note: 'x' });
    kept.wait(1);
    expect(kept.types).toEqual(['opened']);
    kept.act(id, { action: 'resolve', disposition: 'benign' });
    kept.act(id, { action: 'reopen' });
    kept.wait(1);
    expect(kept.types).toEqual(['opened', 'resolved', 'repeated']);
  });

  it('of what was opened while they were disabled, and of nothing that is long past', () => {
    kept.channels = [{ ...channel('chn_1'), isEnabled: false }];
    kept.take(finding(), finding({ entity: {}, startMs: startMs - 2 * dayMs }));
    kept.channels = [channel('chn_1')];
    kept.db.transaction(() => kept.notifier.catchUp())();
    kept.wait(1);
    expect(kept.types).toEqual(['opened']);
  });

  it('nothing of what another open alert about the same stands for', () => {
    kept.take(finding({ rule: 'break_in' }));
    kept.take(finding(), finding({ entity: { 'actor.id': 'u_2' } }));
    expect(kept.types).toEqual(['opened', 'opened']);
    const [, inhibited] = kept.alerts;
    expect(kept.notifier.shown(inhibited!).inhibitedBy).toEqual([kept.alerts[0]!.id]);
    kept.act(kept.alerts[0]!.id, { action: 'resolve', disposition: 'true_positive' });
    kept.wait(60_000);
    expect(kept.types).toEqual(['opened', 'opened', 'resolved', 'opened']);
  });

  it('as much of one that stands for it, however many others there are', () => {
    const breakIn = (id: string): StoredFinding => finding({ rule: 'break_in', entity: { 'actor.id': id } });
    kept.take(breakIn('u_0'));
    kept.nowMs++;
    kept.take(...Array.from({ length: 300 }, (_, n) => breakIn(`u_${n + 1}`)));
    kept.take(finding({ entity: { 'actor.id': 'u_0' } }));
    const alert = kept.store.list({ rule: 'guessing', limit: 1 })[0]!;
    const [standing] = kept.store.list({ rule: 'break_in', limit: 301 }).slice(-1);
    expect(kept.notifier.shown(alert).inhibitedBy).toEqual([standing!.id]);
  });
});

describe('silences', () => {
  it.each([
    { endsAt: '2026-01-04T00:00:00Z' },
    { endsAt: '2027-02-01T00:00:00Z' },
    { startsAt: '2026-02-02T00:00:00Z', endsAt: '2026-02-01T00:00:00Z' },
  ])('end after they begin, within a year: %j', (times) => {
    expect(
      codeOf(() => kept.silences.create({ match: { rule: 'r' }, owner: 'o', reason: 'r', ...times }, by)),
    ).toBe('invalid_body');
  });

  it('wait for their start', () => {
    kept.silences.create(
      {
        match: { maxLevel: 'medium', trail: 'main' },
        ...{ owner: 'o', reason: 'r' },
        ...{ startsAt: '2026-01-06T00:00:00Z', endsAt: '2026-01-07T00:00:00Z' },
      },
      by,
    );
    expect(kept.silences.list()).toMatchObject([{ state: 'pending' }]);
    kept.take(finding(), finding({ rule: 'break_in', entity: {} }));
    expect(kept.types).toEqual(['opened', 'opened']);
    kept.nowMs = Date.UTC(2026, 0, 6);
    expect(kept.alerts.map((alert) => kept.notifier.shown(alert).silencedBy.length).sort()).toEqual([0, 1]);
  });
});

describe('alerts, however findings come', () => {
  it.each([1, 2, 3, 4, 5])('count each finding once (seed %i)', (seed) => {
    const random = new SeededRandom(seed);
    const known: StoredFinding[] = [];
    for (let round = 0; round < 200; round++) {
      const again = known.length > 0 && random.next() < 0.4;
      const at = startMs + random.integer(0, 5 * dayMs);
      const one = again
        ? known[random.integer(0, known.length - 1)]!
        : finding({ entity: { 'actor.id': `u_${random.integer(1, 3)}` }, startMs: at });
      if (!again) known.push(one);
      kept.take(one);
      if (random.next() < 0.1) {
        const open = kept.alerts.filter(({ status }) => status === 'open');
        kept.nowMs = at + dayMs;
        if (open[0]) kept.act(open[0].id, { action: 'resolve', disposition: 'benign' });
      }
    }
    for (const alert of kept.alerts) {
      const held = known.filter(({ id }) => kept.store.membership(id)?.alert === alert.id);
      expect(alert.findings).toBeGreaterThanOrEqual(held.length);
      expect(held.every(({ entity }) => entity['actor.id'] === alert.entity['actor.id'])).toBe(true);
    }
    expect(known.every(({ id }) => kept.store.membership(id) !== undefined)).toBe(true);
    const opened = kept.recorded.filter(({ action }) => action === 'alert.open');
    expect(opened.length).toBe(kept.alerts.length);
  });
});
