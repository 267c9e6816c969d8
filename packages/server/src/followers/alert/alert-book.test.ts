import { type AlertAction, alertSchema } from '@sealtrail/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoredFinding } from '../../detection-ports.ts';
import { SeededRandom } from '../../sequencer/testing/seeded-random.ts';
import { codeOf } from '../../testing/code-of.ts';
import { AlertBook, type AlertBookParts } from './alert-book.ts';
import { Book, by, dayMs, finding, startMs } from './testing/kept-book.ts';

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

  it('stay for somebody to judge where late events make them one with what is resolved, and go on', () => {
    const [one, two] = [finding(), finding({ startMs: startMs + 3 * dayMs })];
    kept.take(one);
    kept.nowMs = startMs + 10 * dayMs;
    const resolved = kept.alerts[0]!.id;
    kept.act(resolved, { action: 'resolve', disposition: 'benign' });
    kept.take(two);
    const open = kept.alerts[1]!.id;
    kept.act(open, { action: 'acknowledge' });
    const merged = [
      { ...one, lastMs: two.lastMs },
      { ...two, mergedInto: one.id },
    ];
    kept.take(...merged);
    kept.take(...merged);
    const [before, after] = kept.alerts;
    expect(before).toMatchObject({ id: resolved, status: 'resolved', disposition: 'benign', findings: 1 });
    expect(after).toMatchObject({
      ...{ id: open, status: 'acknowledged', findings: 1, risk: 20, duplicateOf: null },
      firstEventAt: new Date(startMs).toISOString(),
      lastEventAt: new Date(startMs + 3 * dayMs).toISOString(),
    });
    expect(kept.store.findingsOf(open, 10).map(({ id }) => id)).toEqual([one.id]);
    expect(kept.store.steps(open).map(({ action }) => action)).toEqual(['open', 'acknowledge', 'note']);
    expect(kept.store.steps(open)[2]).toMatchObject({ by: null, note: expect.stringContaining(resolved) });
    // What comes of it is told where somebody looks.
    kept.take({ ...one, lastMs: startMs + 4 * dayMs, entries: [9000] });
    expect(kept.alerts).toMatchObject([
      { lastEventAt: new Date(startMs + 3 * dayMs).toISOString() },
      { findings: 1, lastEventAt: new Date(startMs + 4 * dayMs).toISOString() },
    ]);
  });

  it('keep what they count where one of their findings becomes one with what is resolved', () => {
    const [one, two, three] = [0, 3, 3].map((day) => finding({ startMs: startMs + day * dayMs }));
    kept.take(one!);
    kept.nowMs = startMs + 10 * dayMs;
    kept.act(kept.alerts[0]!.id, { action: 'resolve', disposition: 'benign' });
    kept.take(two!, three!);
    kept.take({ ...one!, lastMs: two!.lastMs }, { ...two!, mergedInto: one!.id });
    const open = kept.alerts[1]!;
    expect(open).toMatchObject({ status: 'open', findings: 2, risk: 40 });
    // Both became one of it: it counts once.
    kept.take(one!, { ...three!, mergedInto: one!.id });
    expect(kept.alerts[1]).toMatchObject({ status: 'open', findings: 1, risk: 20 });
    expect(kept.store.findingsOf(open.id, 10).map(({ id }) => id)).toEqual([one!.id]);
  });

  it('stay where what theirs became a part of is none any more', () => {
    const [one, two] = [finding(), finding({ startMs: startMs + 3 * dayMs })];
    kept.take(one);
    kept.take({ ...one, mergedInto: one.id });
    kept.nowMs = startMs + 10 * dayMs;
    kept.act(kept.alerts[0]!.id, { action: 'resolve', disposition: 'false_positive' });
    kept.take(two);
    kept.take({ ...two, mergedInto: one.id });
    expect(kept.alerts[1]).toMatchObject({ status: 'open', findings: 0, risk: 0 });
    expect(kept.store.steps(kept.alerts[1]!.id).map(({ action }) => action)).toEqual(['open', 'note']);
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
