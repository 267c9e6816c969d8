import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { zstdCompressSync } from 'node:zlib';
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

describe('the memory of a body', () => {
  /** What is accounted for while a body is taken in, piece by piece; and how that ends. */
  async function accountedFor(
    text: string,
    { format = 'ndjson', partial = false, encoding, maxBytes = Infinity }: Accounting,
  ): Promise<{ readonly added: readonly number[]; readonly error: unknown; readonly size: number }> {
    using folder = temporaryFolder();
    await using started = startLog(folder);
    const { log } = started;
    await log.ready;
    await log.createTrail('main');
    const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
    const intake = new Intake(log, { now: Date.now, random });
    const added: number[] = [];
    const memory = {
      add: (bytes: number): void => {
        if (sum(added) + bytes > maxBytes) throw new SealtrailError('overloaded');
        added.push(bytes);
      },
    };
    const bytes = encoding === 'zstd' ? zstdCompressSync(text) : Buffer.from(text);
    const stream = Readable.from([bytes], { objectMode: false });
    const deadline = new AbortController().signal;
    const error = await ingest(
      { stream, encoding, format, partial, memory, deadline },
      intake.begin(ownerScope, partial),
    ).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    return { added, error, size: log.trail('main')!.size };
  }
  interface Accounting {
    readonly format?: 'json' | 'ndjson';
    readonly partial?: boolean;
    readonly encoding?: 'zstd';
    readonly maxBytes?: number;
  }
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  const text = (count: number, name = 'a'): string =>
    Array.from({ length: count }, () => `{"action":"${name}"}`).join('\n');
  const array = (count: number): string => `[${text(count).replaceAll('\n', ',')}]`;

  it.each([
    ['JSON', array(50), { format: 'json' }],
    ['JSON, whatever is taken of it', array(50), { format: 'json', partial: true }],
    ['lines that are all or nothing', text(50), {}],
  ] as const)('is that of its bytes: %s', async (_, body, options) => {
    const { added, error, size } = await accountedFor(body, options);
    expect([sum(added), error, size]).toEqual([body.length, undefined, 50]);
  });

  it('is that of what is answered, for lines that are stored as they come', async () => {
    const [short, long] = [
      await accountedFor(text(50), { partial: true }),
      await accountedFor(text(50, 'a'.repeat(200)), { partial: true }),
    ];
    expect([short.size, long.size]).toEqual([50, 50]);
    expect(sum(short.added)).toBeGreaterThan(50 * 100);
    expect(sum(long.added)).toBe(sum(short.added));
    const refused = await accountedFor(text(50).replaceAll('action', 'acton'), { partial: true });
    expect([sum(refused.added), refused.size]).toEqual([sum(short.added), 0]);
  });

  it('is that of a window more where it is compressed with one', async () => {
    for (const options of [{}, { partial: true }]) {
      const plain = await accountedFor(text(5), options);
      const { added, size } = await accountedFor(text(5), { ...options, encoding: 'zstd' });
      expect(added.slice(1)).toEqual(plain.added);
      expect([added[0], size]).toEqual([1024 * 1024, 5]);
    }
  });

  it.each([
    ['JSON', { format: 'json' }, 0],
    ['lines that are all or nothing', {}, 0],
    ['a window', { encoding: 'zstd', partial: true }, 0],
    ['the answer of lines that are stored as they come', { partial: true }, 1000],
  ] as const)('is refused where there is no room for it: %s', async (_, options, stored) => {
    const body = 'format' in options ? array(1500) : text(1500);
    const maxBytes = 'partial' in options && !('encoding' in options) ? 1200 * 256 : body.length - 1;
    const { error, size } = await accountedFor(body, { ...options, maxBytes });
    expect([(error as SealtrailError).code, size]).toEqual(['overloaded', stored]);
  });
});
