import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { outboxTables, SqliteOutbox } from '../../adapters/sqlite/outbox.ts';
import type { Outbox } from '../../channel-ports.ts';
import { sampleChannel } from '../../channels/testing/sample-channel.ts';
import { Courier, type CourierParts } from './courier.ts';
import { faulty, hanging, numbered, ScriptedSender } from './testing/delivering.ts';

const running: AsyncDisposable[] = [];
afterEach(async () => {
  for (const courier of running.splice(0)) await courier[Symbol.asyncDispose]();
});

const schedule = { delaysMs: [1], maxDelayMs: 1, giveUpMs: 3_600_000 };

/** An outbox with two channels, and a courier that can be started more than once. */
function delivering(given: Partial<CourierParts> = {}): {
  outbox: SqliteOutbox;
  sender: ScriptedSender;
  gone: string[];
  dead: string[];
  errors: unknown[];
  start: (outbox?: Outbox) => Courier;
} {
  const db = new Database(':memory:');
  db.exec(outboxTables);
  const outbox = new SqliteOutbox(db);
  for (const id of ['a', 'b']) outbox.putChannel(sampleChannel(id));
  const sender = new ScriptedSender();
  const [gone, dead, errors]: [string[], string[], unknown[]] = [[], [], []];
  const start = (through: Outbox = outbox): Courier => {
    const courier = new Courier({
      outbox: through,
      sender,
      now: Date.now,
      random: (bytes) => new Uint8Array(bytes),
      version: '1',
      onGone: (channel) => {
        gone.push(channel);
        outbox.putChannel(sampleChannel(channel, { isEnabled: false, disabledBecause: 'HTTP 410' }));
      },
      onDeadLetter: (channel, error) => dead.push(`${channel}: ${error}`),
      onError: (error) => errors.push(error),
      schedule,
      settleMs: 5,
      errorPauseMs: 5,
      ...given,
    });
    running.push(courier);
    return courier;
  };
  return { outbox, sender, gone, dead, errors, start };
}

const enqueue = (outbox: Outbox, channel: string, from: number, to: number): void => {
  for (let i = from; i <= to; i++) outbox.enqueue(channel, numbered(i), Date.now());
};
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('Courier', () => {
  it('sends what is due before wake returns, and what comes later when it is woken', async () => {
    const { outbox, sender, start } = delivering();
    const courier = start();
    enqueue(outbox, 'a', 1, 1);
    courier.wake();
    expect(sender.sent).toEqual([['a', 1]]);
    await expect.poll(() => outbox.state('a').waiting).toBe(0);
    enqueue(outbox, 'a', 2, 2);
    courier.wake();
    expect(sender.to('a')).toEqual([1, 2]);
  });

  it('keeps the order of a channel, one at a time, while the others go on', async () => {
    const { outbox, sender, start } = delivering();
    let inFlight = 0;
    let most = 0;
    sender.answer = async ([channel], signal) => {
      if (channel === 'b') return hanging(['b', 0], signal);
      most = Math.max(most, ++inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight--;
      return { kind: 'delivered' };
    };
    enqueue(outbox, 'b', 1, 3);
    enqueue(outbox, 'a', 4, 53);
    const courier = start();
    courier.wake();
    courier.wake();
    await expect.poll(() => outbox.state('a').waiting).toBe(0);
    expect([sender.to('a'), sender.to('b'), most]).toEqual([range(4, 53), [1], 1]);
  });

  it('keeps what was delivered together, not one by one', async () => {
    const { outbox, sender, start } = delivering({ settleMs: 20 });
    let settled = 0;
    enqueue(outbox, 'a', 1, 200);
    const counted = faulty(outbox, (phase) => {
      if (phase === 'after') settled++;
      return false;
    });
    start(counted).wake();
    await expect.poll(() => outbox.state('a').waiting).toBe(0);
    expect(sender.to('a')).toEqual(range(1, 200));
    expect(settled).toBeLessThan(20);
  });

  it('tries again what fails, and nothing behind it before', async () => {
    const { outbox, sender, start } = delivering();
    sender.answer = () =>
      sender.sent.length < 4 ? { kind: 'retry', error: 'HTTP 503' } : { kind: 'delivered' };
    enqueue(outbox, 'a', 1, 2);
    start().wake();
    await expect.poll(() => outbox.state('a').waiting).toBe(0);
    expect(sender.to('a')).toEqual([1, 1, 1, 1, 2]);
    expect(outbox.state('a')).toMatchObject({ failures: 0, lastError: undefined });
  });

  it('rests for as long as the other end asks for, also after a restart, unless it is hurried', async () => {
    const { outbox, sender, start } = delivering({ schedule: { ...schedule, maxDelayMs: 3_600_000 } });
    sender.answer = () => ({ kind: 'retry', error: 'HTTP 429', retryAfterMs: 60_000 });
    enqueue(outbox, 'a', 1, 1);
    const first = start();
    first.wake();
    await expect.poll(() => outbox.state('a').failures).toBe(1);
    expect(outbox.state('a').retryAtMs).toBeGreaterThan(Date.now() + 30_000);
    first.wake();
    await first[Symbol.asyncDispose]();
    const second = start();
    second.wake();
    expect(sender.to('a')).toEqual([1]);
    outbox.hurry('a');
    second.wake();
    expect(sender.to('a')).toEqual([1, 1]);
  });

  it('gives up what is refused, and goes on behind it', async () => {
    const { outbox, sender, dead, start } = delivering();
    sender.answer = ([, number]) =>
      number === 1 ? { kind: 'refused', error: 'HTTP 400' } : { kind: 'delivered' };
    enqueue(outbox, 'a', 1, 2);
    start().wake();
    await expect.poll(() => outbox.state('a')).toMatchObject({ waiting: 0, dead: 1 });
    expect([sender.to('a'), dead]).toEqual([[1, 2], ['a: HTTP 400']]);
    expect(outbox.deadLetters('a', 9)).toMatchObject([{ id: numbered(1).id }]);
  });

  it('sends a dead letter again when it is put back in line', async () => {
    const { outbox, sender, start } = delivering();
    sender.answer = () => ({ kind: sender.sent.length === 1 ? 'refused' : 'delivered', error: 'HTTP 400' });
    enqueue(outbox, 'a', 1, 2);
    const courier = start();
    courier.wake();
    await expect.poll(() => outbox.state('a')).toMatchObject({ waiting: 0, dead: 1 });
    outbox.revive('a', undefined, Date.now());
    courier.wake();
    await expect.poll(() => outbox.state('a')).toMatchObject({ waiting: 0, dead: 0 });
    expect(sender.to('a')).toEqual([1, 2, 1]);
  });

  it('gives up after a time, all that is so old', async () => {
    let now = 1_000_000;
    const { outbox, sender, dead, start } = delivering({
      now: () => now,
      schedule: { ...schedule, giveUpMs: 100 },
    });
    sender.answer = () => ({ kind: 'retry', error: 'ECONNREFUSED' });
    for (const [number, at] of [
      [1, now],
      [2, now],
      [3, now + 200],
    ] as const)
      outbox.enqueue('a', numbered(number), at);
    const courier = start();
    courier.wake();
    await expect.poll(() => outbox.state('a')).toMatchObject({ waiting: 3, failures: 1 });
    now += 200;
    courier.wake();
    await expect.poll(() => outbox.state('a')).toMatchObject({ waiting: 1, dead: 2 });
    expect(dead).toEqual(['a: ECONNREFUSED']);
  });

  it('tells of a channel whose other end is gone, and keeps its line', async () => {
    const { outbox, sender, gone, start } = delivering();
    sender.answer = () => ({ kind: 'gone', error: 'HTTP 410' });
    enqueue(outbox, 'a', 1, 2);
    const courier = start();
    courier.wake();
    await expect.poll(() => gone).toEqual(['a']);
    courier.wake();
    expect([sender.to('a'), outbox.state('a').waiting]).toEqual([[1], 2]);
    sender.answer = () => ({ kind: 'delivered' });
    outbox.putChannel(sampleChannel('a'));
    courier.wake();
    await expect.poll(() => outbox.state('a').waiting).toBe(0);
    expect(sender.to('a')).toEqual([1, 1, 2]);
  });

  it('ends at once, and what was on its way goes out again', async () => {
    const { outbox, sender, start } = delivering();
    enqueue(outbox, 'a', 1, 2);
    sender.answer = ([, number], signal) =>
      number === 1 ? { kind: 'delivered' } : hanging(['a', 0], signal);
    const courier = start();
    courier.wake();
    await expect.poll(() => sender.to('a')).toEqual([1, 2]);
    await courier[Symbol.asyncDispose]();
    // What had been delivered is kept as that.
    expect(outbox.state('a')).toMatchObject({ waiting: 1, failures: 0 });
    courier.wake();
    sender.answer = () => ({ kind: 'delivered' });
    start().wake();
    await expect.poll(() => outbox.state('a').waiting).toBe(0);
    expect(sender.to('a')).toEqual([1, 2, 2]);
  });

  it('is not ended by a sender that throws, nor by a channel that is removed meanwhile', async () => {
    const { outbox, sender, errors, start } = delivering();
    sender.answer = ([channel]) => {
      if (channel === 'b') outbox.removeChannel('b');
      if (channel === 'a' && sender.to('a').length === 1) throw new Error('a defect');
      return { kind: 'delivered' };
    };
    enqueue(outbox, 'a', 1, 1);
    enqueue(outbox, 'b', 1, 2);
    start().wake();
    await expect.poll(() => outbox.state('a').waiting).toBe(0);
    expect([sender.to('a'), sender.to('b')]).toEqual([[1, 1], [1]]);
    expect(errors).toMatchObject([{ message: 'a defect' }]);
  });

  it('rests while the database fails, and goes on when it works again', async () => {
    const { outbox, sender, errors, start } = delivering();
    let isFull = true;
    enqueue(outbox, 'a', 1, 300);
    start(faulty(outbox, (phase) => phase === 'before' && isFull)).wake();
    await expect.poll(() => errors.length).toBeGreaterThan(1);
    const sent = sender.sent.length;
    // What cannot be kept is bounded.
    expect(sent).toBeLessThanOrEqual(256);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sender.sent.length).toBe(sent);
    isFull = false;
    await expect.poll(() => outbox.state('a').waiting).toBe(0);
    expect(sender.to('a')).toEqual(range(1, 300));
  });

  it('loses nothing and changes no order, however often it is stopped and its writes fail', async () => {
    const plan = fc.record({
      faults: fc.array(fc.constantFrom('before', 'after', undefined, undefined), { maxLength: 30 }),
      outcomes: fc.array(fc.constantFrom('delivered', 'delivered', 'retry'), { maxLength: 40 }),
      stops: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ faults, outcomes, stops }) => {
        const { outbox, sender, start } = delivering({ settleMs: 1, errorPauseMs: 1 });
        const [fails, answers] = [faults.values(), outcomes.values()];
        const through = faulty(outbox, (phase) =>
          phase === 'after' ? false : fails.next().value === 'before',
        );
        const half = faulty(through, (phase) => phase === 'after' && fails.next().value === 'after');
        sender.answer = async () => {
          await new Promise((resolve) => setImmediate(resolve));
          return { kind: answers.next().value === 'retry' ? 'retry' : 'delivered', error: 'HTTP 503' };
        };
        enqueue(outbox, 'a', 1, 20);
        for (const ms of stops) {
          const courier = start(half);
          courier.wake();
          await new Promise((resolve) => setTimeout(resolve, ms));
          await courier[Symbol.asyncDispose]();
        }
        start(half).wake();
        await expect.poll(() => outbox.state('a').waiting, { interval: 2 }).toBe(0);
        expect(outbox.state('a').dead).toBe(0);
        // The first time that each went out: in order, and all of them.
        expect([...new Set(sender.to('a'))]).toEqual(range(1, 20));
      }),
      { numRuns: 30 },
    );
  });
});
