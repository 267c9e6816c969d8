import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoredFinding } from '../../detection-ports.ts';
import { codeOf } from '../../testing/code-of.ts';
import type { NotifiedChannel } from './notified-channel.ts';
import { Book, by, channel, dayMs, finding, startMs } from './testing/kept-book.ts';

let kept: Book;
beforeEach(() => {
  kept = new Book();
});
afterEach(() => kept[Symbol.dispose]());

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
        false,
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

  it('of the trail system, where a silence was made by somebody who may not read it', () => {
    kept.db.transaction(() =>
      kept.silences.create(
        { match: { rule: 'guessing' }, owner: 'o', reason: 'r', endsAt: '2026-02-01T00:00:00Z' },
        true,
        by,
      ),
    )();
    kept.take(finding(), finding({ trail: 'system' }));
    const told = kept.told.map(({ alert }) => kept.store.get(alert)!.trail);
    expect(told).toEqual(['system']);
    expect(kept.silences.list()).toMatchObject([{ exceptSystem: true }]);
    const made = kept.recorded.find(({ action }) => action === 'silence.create');
    expect(made).toMatchObject({ metadata: { exceptSystem: true } });
  });

  it('at once when a silence is ended before its time', () => {
    const silence = kept.db.transaction(() =>
      kept.silences.create(
        { match: { rule: 'guessing' }, owner: 'ops', reason: 'r', endsAt: '2026-02-01T00:00:00Z' },
        false,
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
    kept.catchUp();
    kept.wait(1);
    expect(kept.types).toEqual(['opened']);
  });

  it.each(['open', 'acknowledged'])(
    'of new findings after others were withdrawn or became one, of an alert that is %s',
    (status) => {
      const [one, two, three] = [finding(), finding(), finding()];
      kept.take(one, two, three);
      if (status === 'acknowledged') kept.act(kept.alerts[0]!.id, { action: 'acknowledge' });
      kept.take(one, { ...two, mergedInto: one.id }, { ...three, mergedInto: three.id });
      expect(kept.alerts).toMatchObject([{ status, findings: 1 }]);
      kept.wait(300_000);
      expect(kept.types).toEqual(['opened']);
      kept.take(finding());
      expect(kept.types).toEqual(['opened', 'updated']);
      // It was none, and is one again.
      kept.take(three);
      kept.wait(300_000);
      expect(kept.types).toEqual(['opened', 'updated', 'updated']);
    },
  );

  it('of new findings that others become a part of, before they were told of them', () => {
    const [one, two] = [finding(), finding()];
    kept.take(one);
    kept.take(two);
    kept.take({ ...one, mergedInto: two.id });
    kept.act(kept.alerts[0]!.id, { action: 'acknowledge' });
    kept.wait(300_000);
    expect(kept.types).toEqual(['opened', 'updated']);
  });

  it('of new findings of an alert that is opened again, after others became one while it was resolved', () => {
    const [one, two] = [finding(), finding()];
    kept.take(one, two);
    const { id } = kept.alerts[0]!;
    kept.act(id, { action: 'resolve', disposition: 'benign' });
    kept.take(one, { ...two, mergedInto: one.id });
    kept.act(id, { action: 'reopen' });
    kept.act(id, { action: 'acknowledge' });
    kept.wait(300_000);
    const told = kept.told.length;
    kept.take(finding());
    kept.wait(300_000);
    expect(kept.types.slice(told)).toEqual(['updated']);
  });

  describe('once they are enabled again', () => {
    const timers = { waitMs: 30_000 };
    const isEnabled = (isIt: boolean): void => {
      kept.channels = [{ ...channel('chn_1', timers), isEnabled: isIt }];
      if (isIt) kept.catchUp();
    };

    it.each(['open', 'acknowledged'])('of an alert that is %s, for which they were to wait', (status) => {
      isEnabled(true);
      kept.take(finding());
      if (status === 'acknowledged') kept.act(kept.alerts[0]!.id, { action: 'acknowledge' });
      isEnabled(false);
      kept.wait(60_000);
      isEnabled(true);
      kept.wait(0);
      expect(kept.types).toEqual(['opened']);
      kept.wait(1000);
      expect(kept.types).toEqual(['opened']);
    });

    it('not before their wait is over', () => {
      isEnabled(true);
      kept.take(finding());
      isEnabled(false);
      kept.wait(10_000);
      isEnabled(true);
      kept.wait(19_999);
      expect(kept.types).toEqual([]);
      kept.wait(1);
      expect(kept.types).toEqual(['opened']);
    });

    it('of findings that came meanwhile, each interval, and again as long as nobody takes it up', () => {
      isEnabled(true);
      kept.take(finding());
      kept.wait(30_000);
      kept.take(finding());
      isEnabled(false);
      kept.wait(2 * dayMs);
      isEnabled(true);
      kept.wait(0);
      expect(kept.types).toEqual(['opened', 'updated']);
      isEnabled(false);
      kept.wait(3_600_000);
      isEnabled(true);
      kept.wait(0);
      expect(kept.types).toEqual(['opened', 'updated', 'repeated']);
    });

    it('nothing of what was resolved meanwhile, or is not for them any more', () => {
      isEnabled(true);
      kept.take(finding());
      kept.take(finding({ entity: {} }));
      isEnabled(false);
      kept.wait(60_000);
      kept.act(kept.alerts[0]!.id, { action: 'resolve', disposition: 'benign' });
      kept.channels = [{ ...channel('chn_1'), filter: { minLevel: 'high' } }];
      kept.catchUp();
      kept.wait(60_000);
      expect(kept.types).toEqual([]);
    });
  });

  it('of an alert about what was long past, once something new belongs to it', () => {
    kept.take(finding({ startMs: startMs - dayMs - 3_600_000 }));
    expect(kept.types).toEqual([]);
    kept.take(finding({ startMs: startMs - 7_200_000 }));
    expect(kept.alerts).toHaveLength(1);
    expect(kept.types).toEqual(['opened']);
  });

  it('of all that is open, the newest first, however much it is', () => {
    kept.channels = [];
    for (let n = 0; n < 1200; n++) {
      // Some are opened in the same millisecond.
      if (n % 7 === 0) kept.nowMs++;
      kept.take(finding({ entity: { 'actor.id': `u_${n}` } }));
    }
    kept.channels = [channel('chn_1')];
    const inTurn = kept.store.list({ limit: 1200 }).map(({ id }) => id);
    kept.db.transaction(() => kept.notifier.catchUp(undefined))();
    kept.wait(0);
    expect(kept.told.map(({ alert }) => alert).sort()).toEqual(inTurn.slice(0, kept.told.length).sort());
    kept.catchUp();
    for (let n = 0; n < 5; n++) kept.wait(0);
    expect(kept.told.map(({ alert }) => alert).sort()).toEqual(inTurn.sort());
    kept.catchUp();
    kept.wait(0);
    expect(kept.told).toHaveLength(1200);
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
      codeOf(() =>
        kept.silences.create({ match: { rule: 'r' }, owner: 'o', reason: 'r', ...times }, false, by),
      ),
    ).toBe('invalid_body');
  });

  it('wait for their start', () => {
    kept.silences.create(
      {
        match: { maxLevel: 'medium', trail: 'main' },
        ...{ owner: 'o', reason: 'r' },
        ...{ startsAt: '2026-01-06T00:00:00Z', endsAt: '2026-01-07T00:00:00Z' },
      },
      false,
      by,
    );
    expect(kept.silences.list()).toMatchObject([{ state: 'pending' }]);
    kept.take(finding(), finding({ rule: 'break_in', entity: {} }));
    expect(kept.types).toEqual(['opened', 'opened']);
    kept.nowMs = Date.UTC(2026, 0, 6);
    expect(kept.alerts.map((alert) => kept.notifier.shown(alert).silencedBy.length).sort()).toEqual([0, 1]);
  });
});
