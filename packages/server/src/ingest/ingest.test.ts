import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { SealtrailError } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { ownerScope } from '../access/scopes.ts';
import { startLog } from '../sequencer/testing/start-log.ts';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { defaultIngestLimits, ingest } from './ingest.ts';
import { Intake } from './intake.ts';
import { InterruptedIngest } from './interrupted-ingest.ts';

/** How taking in lines ends whose stream breaks off once `stored` entries are in the log; and what is in it then. */
async function takeIn(
  lines: readonly string[],
  { partial = true, stored = 1000, limits = {}, stalls = false } = {},
): Promise<{ readonly error: unknown; readonly size: number }> {
  using folder = temporaryFolder();
  await using started = startLog(folder);
  const { log } = started;
  await log.ready;
  await log.createTrail('main');
  const intake = new Intake(log, {
    now: Date.now,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  });
  const deadline = new AbortController();
  async function* body(): AsyncGenerator<Buffer> {
    for (const line of lines) yield Buffer.from(`${line}\n`);
    while ((log.trail('main')?.size ?? 0) < stored) await sleep(1);
    if (stalls) {
      deadline.abort();
      await new Promise(() => {});
    }
    throw new Error('broken off');
  }
  const stream = Readable.from(body(), { objectMode: false });
  const error = await ingest(
    {
      ...{ stream, encoding: undefined, format: 'ndjson', partial, memory: { add: () => {} } },
      deadline: deadline.signal,
    },
    intake.begin(ownerScope, partial),
    { ...defaultIngestLimits, ...limits },
  ).catch((cause: unknown) => cause);
  return { error, size: log.trail('main')?.size ?? 0 };
}

const lines = (count: number): string[] => Array.from({ length: count }, () => '{"action":"a"}');

describe('a stream that breaks off', () => {
  it('is an interruption that tells what was stored, and what the stream ended with', async () => {
    const { error, size } = await takeIn([...lines(600), '{', ...lines(900)]);
    expect(error).toBeInstanceOf(InterruptedIngest);
    const { code, decided, receipts, details } = error as InterruptedIngest;
    expect([code, decided, receipts.length]).toEqual(['malformed_json', 1001, 1000]);
    expect(details.map(({ position }) => position)).toEqual([600]);
    expect(new Set(receipts.map(({ index }) => index)).size).toBe(1000);
    expect(size).toBe(1000);
  });

  it('leaves what the log was not given yet undecided, refused events among it', async () => {
    const { error } = await takeIn([...lines(1200), '{', ...lines(10)]);
    const { decided, details } = error as InterruptedIngest;
    expect([decided, details]).toEqual([1000, []]);
  });

  it('is one too when it takes longer than a request may, and nothing more comes', async () => {
    const { error, size } = await takeIn(lines(1500), { stalls: true });
    expect(error).toMatchObject({ code: 'request_timeout', decided: 1000 });
    expect(size).toBe(1000);
    const whole = await takeIn(lines(10), { partial: false, stalls: true, stored: 0 });
    expect(whole).toMatchObject({ error: { code: 'request_timeout' }, size: 0 });
  });

  it('keeps when to come again', async () => {
    const cause = new SealtrailError('overloaded', undefined, { retryAfterSeconds: 7 });
    const interrupted = new InterruptedIngest(cause, { receipts: [], errors: [], decided: 1 });
    expect([interrupted.status, interrupted.retryAfterSeconds]).toEqual([503, 7]);
  });

  it.each([
    ['before anything was stored', 999, true],
    ['and is all or nothing', 2500, false],
  ])('is no interruption when it does so %s', async (_, count, partial) => {
    const { error, size } = await takeIn(lines(count), { partial, stored: 0 });
    expect(error).toMatchObject({ code: 'malformed_json' });
    expect(error).not.toBeInstanceOf(InterruptedIngest);
    expect(size).toBe(0);
  });

  it.each([
    ['bytes', { maxStreamBytes: 20_000 }],
    ['events', { maxStreamEvents: 1100 }],
  ])('because it has too many %s, is one too', async (_, limits) => {
    const { error, size } = await takeIn(lines(1500), { limits });
    expect(error).toMatchObject({ code: 'body_too_large', decided: 1000 });
    expect(size).toBe(1000);
  });
});
