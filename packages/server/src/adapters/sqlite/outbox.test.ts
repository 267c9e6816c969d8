import type { Notification } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { Settlement } from '../../channel-ports.ts';
import { sampleChannel } from '../../channels/testing/sample-channel.ts';
import { sampleNotification } from '../../channels/testing/sample-notification.ts';
import type { OutboxLimits } from './line-bounds.ts';
import { outboxTables, SqliteOutbox } from './outbox.ts';

function outboxOf(limits: Partial<OutboxLimits> = {}): { outbox: SqliteOutbox; db: Database.Database } {
  const db = new Database(':memory:');
  db.exec(outboxTables);
  const outbox = new SqliteOutbox(db, limits);
  outbox.putChannel(sampleChannel('a'));
  outbox.putChannel(sampleChannel('b'));
  return { outbox, db };
}

let count = 0;
const opened = (alert = 'alr_1'): Notification => sampleNotification({ id: alert }, 'alert.opened', ++count);
const updated = (alert = 'alr_1'): Notification =>
  sampleNotification({ id: alert }, 'alert.updated', ++count);

/** The line of a channel as it would be sent. */
function line(outbox: SqliteOutbox, id: string): Notification[] {
  const found: Notification[] = [];
  for (let seq = 0, head = outbox.head(id, seq); head; head = outbox.head(id, seq)) {
    found.push(head.notification);
    seq = head.seq;
  }
  return found;
}

const settleHead = (
  outbox: SqliteOutbox,
  id: string,
  rest:
    | { kind: 'delivered' }
    | { kind: 'failed'; error: string; retryAtMs: number; giveUpBeforeMs: number }
    | { kind: 'dead'; error: string },
): void => {
  const { seq } = outbox.head(id, 0)!;
  outbox.settle([{ seq, channel: id, atMs: 5, ...rest } as Settlement]);
};

describe('SqliteOutbox', () => {
  it('gives back what was enqueued, in order, a line for each channel', () => {
    const { outbox } = outboxOf();
    const [first, second, third] = [opened(), updated(), opened('alr_2')];
    outbox.enqueue('a', first, 1);
    outbox.enqueue('b', second, 1);
    outbox.enqueue('a', third, 2);
    expect([line(outbox, 'a'), line(outbox, 'b'), outbox.busy()]).toEqual([
      [first, third],
      [second],
      ['a', 'b'],
    ]);
    settleHead(outbox, 'a', { kind: 'delivered' });
    expect(line(outbox, 'a')).toEqual([third]);
    expect(outbox.state('a')).toMatchObject({ waiting: 1, lastDeliveredMs: 5 });
  });

  it('takes a notification once, also after it was delivered, and none for a channel that is not there', () => {
    const { outbox } = outboxOf();
    const notification = opened();
    outbox.enqueue('a', notification, 1);
    outbox.enqueue('a', notification, 1);
    outbox.enqueue('gone', notification, 1);
    settleHead(outbox, 'a', { kind: 'delivered' });
    outbox.enqueue('a', notification, 1);
    expect([line(outbox, 'a'), outbox.busy()]).toEqual([[], []]);
  });

  it('is part of the transaction that it is called in', () => {
    const { outbox, db } = outboxOf();
    expect(() =>
      db.transaction(() => {
        outbox.enqueue('a', opened(), 1);
        throw new Error('the alert could not be kept');
      })(),
    ).toThrow('the alert');
    expect(outbox.busy()).toEqual([]);
  });

  it('keeps what failed at the head, and remembers how the channel is', () => {
    const { outbox } = outboxOf();
    const notification = opened();
    outbox.enqueue('a', notification, 1);
    settleHead(outbox, 'a', { kind: 'failed', error: 'HTTP 503', retryAtMs: 100, giveUpBeforeMs: 0 });
    settleHead(outbox, 'a', { kind: 'failed', error: 'HTTP 503', retryAtMs: 200, giveUpBeforeMs: 0 });
    expect(outbox.state('a')).toMatchObject({
      waiting: 1,
      failures: 2,
      retryAtMs: 200,
      lastError: 'HTTP 503',
    });
    expect(line(outbox, 'a')).toEqual([notification]);
    outbox.hurry('a');
    expect(outbox.state('a')).toMatchObject({ failures: 0, retryAtMs: 0 });
    settleHead(outbox, 'a', { kind: 'delivered' });
    expect(outbox.state('a')).toMatchObject({ waiting: 0, lastError: undefined });
  });

  it('gives up what has waited for too long, all of it at once, and still rests', () => {
    const { outbox } = outboxOf();
    const [old, alsoOld, young] = [opened(), opened('alr_2'), opened('alr_3')];
    outbox.enqueue('a', old!, 1);
    outbox.enqueue('a', alsoOld!, 2);
    outbox.enqueue('a', young!, 3);
    settleHead(outbox, 'a', { kind: 'failed', error: 'HTTP 503', retryAtMs: 100, giveUpBeforeMs: 2 });
    expect(line(outbox, 'a')).toEqual([young]);
    expect(outbox.state('a')).toMatchObject({ dead: 2, failures: 1, retryAtMs: 100 });
  });

  it('gives nothing of a channel that is disabled, and keeps it', () => {
    const { outbox } = outboxOf();
    outbox.enqueue('a', opened(), 1);
    outbox.putChannel(sampleChannel('a', { isEnabled: false }));
    expect([outbox.head('a', 0), outbox.busy(), outbox.state('a').waiting]).toEqual([undefined, [], 1]);
    outbox.putChannel(sampleChannel('a'));
    expect(outbox.busy()).toEqual(['a']);
  });

  it('puts dead letters that are tried again at the end of the line', () => {
    const { outbox } = outboxOf();
    const [first, second, third] = [opened(), opened('alr_2'), opened('alr_3')];
    for (const notification of [first, second, third]) outbox.enqueue('a', notification, 1);
    settleHead(outbox, 'a', { kind: 'dead', error: 'HTTP 400' });
    settleHead(outbox, 'a', { kind: 'dead', error: 'HTTP 400' });
    expect(outbox.deadLetters('a', 10)).toMatchObject([
      { id: second!.id, error: 'HTTP 400', attempts: 1 },
      { id: first!.id, alert: 'alr_1', type: 'alert.opened' },
    ]);
    expect(outbox.revive('a', [first!.id, 'ntf_unknown'], 9)).toBe(1);
    expect(line(outbox, 'a')).toEqual([third, first]);
    expect(outbox.revive('b', undefined, 9)).toBe(0);
    expect(outbox.discard('a', undefined)).toBe(1);
    expect(outbox.state('a')).toMatchObject({ waiting: 2, dead: 0 });
  });

  it('removes a channel with all that is on its way, and settles nothing of it afterwards', () => {
    const { outbox } = outboxOf();
    outbox.enqueue('a', opened(), 1);
    const { seq } = outbox.head('a', 0)!;
    outbox.removeChannel('a');
    outbox.settle([{ kind: 'delivered', seq, channel: 'a', atMs: 1 }]);
    expect([outbox.channel('a'), outbox.channels().length]).toEqual([undefined, 1]);
    expect(outbox.state('a')).toMatchObject({ waiting: 0, dead: 0, lastDeliveredMs: undefined });
  });

  it('gives back a channel as it was put, with its secrets', () => {
    const { outbox } = outboxOf();
    const put = sampleChannel('c', { personalData: true, isEnabled: false, disabledBecause: 'HTTP 410' });
    outbox.putChannel(put);
    expect(outbox.channel('c')).toEqual(put);
  });

  it('forgets what was delivered long ago, or before many others', () => {
    const { outbox, db } = outboxOf({ maxDelivered: 2, keepDeliveredMs: 100 });
    const kept = (): unknown =>
      db.prepare("SELECT count(*) FROM delivery WHERE state = 'delivered'").pluck().get();
    for (let i = 0; i < 4; i++) outbox.enqueue('a', opened(), 1);
    for (let i = 0; i < 4; i++) settleHead(outbox, 'a', { kind: 'delivered' });
    expect(kept()).toBe(2);
    outbox.enqueue('a', opened(), 1);
    const { seq } = outbox.head('a', 0)!;
    outbox.settle([{ kind: 'delivered', seq, channel: 'a', atMs: 1000 }]);
    expect(kept()).toBe(1);
  });
});

describe('a line that is too long', () => {
  it('loses updates that a later one of the same alert stands for, and counts them', () => {
    const { outbox } = outboxOf({ maxWaiting: 4 });
    const sent = [opened('alr_1'), updated('alr_1'), updated('alr_1'), opened('alr_2'), updated('alr_1')];
    for (const notification of sent) outbox.enqueue('a', notification, 1);
    expect(line(outbox, 'a')).toEqual([sent[0], sent[3], sent[4]]);
    expect(outbox.state('a')).toMatchObject({ waiting: 3, collapsed: 2, dead: 0 });
  });

  it('never loses its first, which may be on its way, nor an opening or an end', () => {
    const { outbox } = outboxOf({ maxWaiting: 3 });
    const end = sampleNotification({ id: 'alr_1' }, 'alert.resolved', ++count);
    const sent = [updated('alr_1'), opened('alr_1'), updated('alr_1'), end];
    for (const notification of sent) outbox.enqueue('a', notification, 1);
    expect(line(outbox, 'a')).toEqual([sent[0], sent[1], sent[3]]);
  });

  it('gives up the oldest where nothing stands for them, visibly', () => {
    const { outbox } = outboxOf({ maxWaiting: 3 });
    const sent = [1, 2, 3, 4].map((i) => opened(`alr_${i}`));
    for (const notification of sent) outbox.enqueue('a', notification, 1);
    expect(line(outbox, 'a')).toEqual([sent[0], sent[2], sent[3]]);
    expect(outbox.deadLetters('a', 10)).toMatchObject([{ id: sent[1]!.id, attempts: 0 }]);
  });

  it('stays within its bounds whatever comes, and every notification is accounted for', () => {
    const { outbox } = outboxOf({ maxWaiting: 64, maxDead: 32 });
    const total = 1000;
    for (let i = 0; i < total; i++) {
      const alert = `alr_${i % 7 === 0 ? i : i % 50}`;
      outbox.enqueue('a', i % 3 === 0 ? opened(alert) : updated(alert), i);
      expect(outbox.state('a').waiting).toBeLessThanOrEqual(64);
      expect(outbox.state('a').dead).toBeLessThanOrEqual(32);
    }
    const { waiting, dead, collapsed, dropped } = outbox.state('a');
    expect(waiting + dead + collapsed + dropped).toBe(total);
    expect(Math.min(collapsed, dropped, dead)).toBeGreaterThan(0);
  });
});
