import { describe, expect, it } from 'vitest';
import { ownerScope } from '../access/scopes.ts';
import { risingId } from '../sequencer/testing/sent.ts';
import { type StartedLog, startLog } from '../sequencer/testing/start-log.ts';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { Intake } from './intake.ts';
import type { IntakeRequest } from './intake-request.ts';

/** Does something with a request to a log of its own. */
async function withRequest<T>(partial: boolean, work: (request: IntakeRequest) => T): Promise<Awaited<T>> {
  using folder = temporaryFolder();
  await using started: StartedLog = startLog(folder);
  await started.log.ready;
  const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
  return await work(new Intake(started.log, { now: Date.now, random }).begin(ownerScope, partial));
}

describe('IntakeRequest', () => {
  it('names events by their position in the request, whatever was refused or handed over before them', async () => {
    const { receipts, errors } = await withRequest(true, async (request) => {
      const [a, b] = [risingId(0), risingId(1)];
      request.addValue({ acton: 'a' });
      request.addValue({ id: a, action: 'a' });
      request.addValue({ id: a, action: 'other' });
      await request.flush();
      request.addValue({ id: b, action: 'a' });
      request.addLine(Buffer.from('{'));
      request.addValue({ id: a, action: 'other' });
      request.addValue({ id: b, action: 'a' });
      return request.finish();
    });
    expect(receipts.map(({ id, index }) => [id, index])).toEqual([
      [risingId(0), 0],
      [risingId(1), 1],
      [risingId(1), 1],
    ]);
    const named = errors.map(({ position, code }) => `${position} ${code}`);
    expect(new Set(named)).toEqual(
      new Set(['0 invalid_event', '2 id_conflict', '4 malformed_json', '5 id_conflict']),
    );
  });

  it('names every refused event of what it takes in part, but all that is wrong only of the first', async () => {
    const count = 150;
    const { errors } = await withRequest(true, (request) => {
      request.addValue({ action: 'good' });
      for (let i = 0; i < count; i++) request.addValue({ action: 1, outcome: 'none' });
      return request.finish();
    });
    const byPosition = Map.groupBy(errors, ({ position }) => position);
    expect([...byPosition.keys()]).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    expect([...byPosition.values()].map(({ length }) => length)).toEqual([
      ...Array(50).fill(2),
      ...Array(count - 50).fill(1),
    ]);
  });

  it.each([
    ['entries', 0, 1000],
    ['bytes', 50_000, 21],
  ])('is full by %s, where it takes what is good', async (_, padding, events) => {
    const event = { action: 'a', metadata: { padding: 'x'.repeat(padding) } };
    const fullAfter = (partial: boolean): Promise<number | undefined> =>
      withRequest(partial, (request) => {
        for (let i = 1; i <= 2 * events; i++) {
          request.addValue(event);
          if (request.isFull) return i;
        }
        return undefined;
      });
    expect(await fullAfter(true)).toBe(events);
    expect(await fullAfter(false)).toBeUndefined();
  });
});
