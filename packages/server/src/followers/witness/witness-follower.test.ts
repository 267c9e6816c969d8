import { readFileSync } from 'node:fs';
import path from 'node:path';
import { generateKey, openCheckpoint, parseNote, signCheckpoint, verifierFromVkey } from '@sealtrail/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SystemEvent } from '../../access/system-trail.ts';
import type { DataFolder } from '../../adapters/fs/data-folder.ts';
import { askOverHttp } from '../../adapters/http/witness-transport.ts';
import { createNativeSigner, nativeEd25519Verify } from '../../adapters/native-ed25519.ts';
import { SqliteLogReader } from '../../adapters/sqlite/log-reader.ts';
import type { LogClient } from '../../sequencer/log-client.ts';
import { groupOf, risingEvents } from '../../sequencer/testing/sent.ts';
import { type StartedLog, startLog } from '../../sequencer/testing/start-log.ts';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { type Misbehaviour, TestWitness } from './testing/test-witness.ts';
import { WitnessFollower } from './witness-follower.ts';
import { parseWitnesses } from './witness-set.ts';

const waiting = { timeout: 20_000, interval: 20 };

let folder: DataFolder & Disposable;
let started: StartedLog;
let log: LogClient;
let reader: SqliteLogReader;
let witness: TestWitness;
let events: SystemEvent[];
let messages: string[];
let nowMs: number | undefined;
let isRefusing = false;

beforeEach(async () => {
  folder = temporaryFolder();
  started = startLog(folder, { publishEveryMs: 20 });
  ({ log } = started);
  await log.ready;
  await log.createTrail('main');
  reader = new SqliteLogReader(folder.log);
  witness = await TestWitness.start('witness.example');
  witness.knows(log.trail('main')!.vkey);
  events = [];
  messages = [];
  nowMs = undefined;
  isRefusing = false;
});
afterEach(async () => {
  await witness[Symbol.asyncDispose]();
  reader[Symbol.dispose]();
  await started[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function follow(url = witness.url, others: readonly TestWitness[] = [], timeoutMs = 10_000): WitnessFollower {
  const lines = [`witness first ${witness.vkey} ${url}`, ...others.map(({ line }) => line), 'quorum first'];
  return new WitnessFollower({
    witnesses: parseWitnesses(`${lines.join('\n')}\n`, nativeEd25519Verify),
    log,
    reader,
    send: (request) => askOverHttp(request, timeoutMs),
    everyMs: 20,
    retries: { delaysMs: [100], maxDelayMs: 100, giveUpMs: Number.POSITIVE_INFINITY },
    now: () => nowMs ?? Date.now(),
    random: (bytes) => new Uint8Array(bytes),
    record: async (event) => {
      if (isRefusing) throw new Error('refused');
      events.push(event);
    },
    onFailure: (message) => messages.push(message),
  });
}

/** Records entries and has them published. */
async function grow(count: number): Promise<void> {
  const { size } = log.trail('main')!;
  await log.append(groupOf(risingEvents(size, size + count)));
}

/** What was reported, as `outcome codes`. */
const reports = (): string[] =>
  events.map(({ outcome, metadata }) => [outcome, metadata?.['codes'] ?? []].flat().join(' '));

const signersOf = (note: string | undefined): string[] =>
  note === undefined ? [] : parseNote(note).signatures.map(({ name }) => name);

/** Waits until the last checkpoint covers everything and is cosigned. */
async function cosigned(): Promise<void> {
  await vi.waitFor(() => {
    const { checkpoint, size } = log.trail('main')!;
    expect(checkpoint?.size).toBe(size);
    expect(signersOf(checkpoint?.note)).toContain('witness.example');
  }, waiting);
}

describe('a witness', () => {
  it('cosigns what is published, from what it has to what there is, and is reported once', async () => {
    await using follower = follow();
    for (const count of [1, 2, 300, 1, 70]) {
      await grow(count);
      await cosigned();
    }
    expect(reports()).toEqual(['success']);
    expect(events[0]).toEqual({
      action: 'log.witness',
      category: 'system',
      outcome: 'success',
      severity: 'informational',
      actor: { type: 'system' },
      targets: [{ type: 'trail', id: 'main' }],
      metadata: { trail: 'main', witness: 'first' },
    });
    expect(witness.answers.every(({ status }) => status === 200)).toBe(true);
    const { checkpoint, vkey } = log.trail('main')!;
    const verifiers = [vkey, witness.vkey].map((key) => verifierFromVkey(key));
    expect(openCheckpoint(checkpoint!.note, verifiers).verified).toHaveLength(2);
    expect(follower.counts).toMatchObject([{ witness: 'first', failures: { unreachable: 0 } }]);
    expect(follower.witnessed.shown('main')).toEqual(checkpoint);
  });

  it('is asked from where it is, after a start, and when it has forgotten', async () => {
    {
      await using follower = follow();
      await grow(5);
      await cosigned();
      expect(follower.counts[0]?.cosignatures).toBeGreaterThan(0);
    }
    await using follower = follow();
    await follower.start(60_000);
    expect(witness.answers.at(-1)?.status).toBe(200);
    expect(follower.witnessed.covering('main', 4)?.size).toBe(5);
    expect(follower.witnessed.covering('main', 5)).toBeUndefined();
    witness.misbehaviour = 'forget';
    await grow(5);
    await cosigned();
    expect(witness.answers.map(({ status }) => status)).toContain(409);
    // Neither is the first time.
    expect(reports()).toEqual(['success']);
  });

  it('with another key under the same name signs for the first time', async () => {
    {
      await using _follower = follow();
      await grow(5);
      await cosigned();
    }
    await witness[Symbol.asyncDispose]();
    witness = await TestWitness.start('witness.example');
    witness.knows(log.trail('main')!.vkey);
    await using follower = follow();
    await follower.start(60_000);
    expect(reports()).toEqual(['success', 'success']);
  });

  it.each<[Misbehaviour | 'unknown log', string]>([
    ['wrong signature', 'failure invalid_answer'],
    ['unknown signature', 'failure invalid_answer'],
    ['size that is none', 'failure invalid_answer'],
    ['size without its type', 'failure invalid_answer'],
    ['huge answer', 'failure invalid_answer'],
    ['redirect', 'failure not_accepted'],
    ['unknown log', 'failure not_accepted'],
    ['unavailable', 'failure unreachable'],
    ['busy', 'failure unreachable'],
    ['larger size', 'denied conflict'],
    ['another root', 'denied inconsistent'],
  ])('that fails is reported once, and once more when it signs again: %s', async (odd, report) => {
    if (odd === 'unknown log') witness.logs.clear();
    else witness.misbehaviour = odd;
    await using follower = follow();
    await grow(3);
    await vi.waitFor(() => expect(reports()).toEqual([report]), waiting);
    await grow(3);
    await vi.waitFor(() => expect(log.trail('main')?.checkpoint?.size).toBe(6), waiting);
    expect(signersOf(log.trail('main')!.checkpoint?.note)).toEqual([log.trail('main')!.origin]);
    expect(follower.witnessed.shown('main')?.size).toBe(6);
    expect(messages[0]).toContain('witness first has not cosigned trail main: ');
    witness.misbehaviour = undefined;
    witness.knows(log.trail('main')!.vkey);
    await cosigned();
    expect(reports()).toEqual([report, 'success']);
    const code = report.split(' ')[1]!;
    expect(follower.counts[0]?.failures).toMatchObject({ [code]: expect.any(Number) });
    expect(Object.values(follower.counts[0]!.failures).reduce((sum, count) => sum + count)).toBeGreaterThan(
      0,
    );
  });

  it('that claims a larger tree is reported with the size that it claims', async () => {
    witness.misbehaviour = 'larger size';
    await using _follower = follow();
    await grow(3);
    await vi.waitFor(
      () =>
        expect(events).toEqual([
          expect.objectContaining({
            severity: 'critical',
            metadata: { trail: 'main', witness: 'first', codes: ['conflict'], size: 9_000_000 },
          }),
        ]),
      waiting,
    );
    expect(log.unreadiness).toBeUndefined();
  });

  it('that is not there is reported once, however often it is asked', async () => {
    await witness[Symbol.asyncDispose]();
    await using follower = follow();
    await grow(3);
    await vi.waitFor(() => expect(follower.counts[0]?.failures.unreachable).toBe(2), waiting);
    expect(reports()).toEqual(['failure unreachable']);
    expect(messages[0]).toContain('ECONNREFUSED');
    witness = await TestWitness.start('other.example');
  });

  it('that hangs is given up', async () => {
    witness.misbehaviour = 'hang';
    await using _follower = follow(witness.url, [], 50);
    await grow(3);
    await vi.waitFor(() => expect(reports()).toEqual(['failure unreachable']), waiting);
    expect(messages[0]).toContain('TimeoutError');
  });

  it('that hangs holds up no other, and is left when the server stops', async () => {
    await using other = await TestWitness.start('other.example');
    other.knows(log.trail('main')!.vkey);
    witness.misbehaviour = 'hang';
    {
      await using follower = follow(witness.url, [other]);
      await grow(3);
      await vi.waitFor(() => {
        expect(witness.answers).toHaveLength(1);
        expect(signersOf(log.trail('main')!.checkpoint?.note)).toContain('other.example');
      }, waiting);
      await follower.start(1);
    }
    expect(reports()).toEqual(['success']);
  });

  it('whose failure cannot be recorded is reported with the next attempt', async () => {
    isRefusing = true;
    witness.misbehaviour = 'redirect';
    await using _follower = follow();
    await grow(3);
    await vi.waitFor(
      () => expect(messages.some((message) => message.includes('not recorded'))).toBe(true),
      waiting,
    );
    isRefusing = false;
    await vi.waitFor(() => expect(reports()).toEqual(['failure not_accepted']), waiting);
  });
});

/** Has the witness show a checkpoint of the trail `main` that is not in the log, signed by a key. */
function showAnotherHistory(skey: string): void {
  const { origin } = log.trail('main')!;
  const root = new Uint8Array(32).fill(1);
  const note = signCheckpoint({ origin, size: 2, root }, [createNativeSigner(skey)]);
  witness.seen.set(origin, { size: 2, root, note });
}

describe('a witness that shows a checkpoint of another history, which the trail has signed', () => {
  it.each([undefined, 0])(
    'stops a trail before its first signature, when it has published %s',
    async (size) => {
      if (size === 0) await log.publish('main');
      showAnotherHistory(readFileSync(path.join(folder.keys, 'main.key'), 'utf8').trim());
      await using follower = follow();
      await follower.start(60_000);
      expect(reports()).toEqual(['denied conflict rolled_back']);
      expect(messages[0]).toContain('witness first has not cosigned trail main: it shows a checkpoint');
      expect(log.unreadiness).toBe('log_behind_published');
      await grow(1);
      await expect(log.publish('main')).rejects.toMatchObject({ code: 'log_behind_published' });
      expect(witness.answers).toEqual([]);
    },
  );

  it('does not stop an empty trail by what another key has signed, or by nothing', async () => {
    showAnotherHistory(generateKey(log.trail('main')!.origin, new Uint8Array(32).fill(9)).skey);
    {
      await using follower = follow();
      await follower.start(60_000);
    }
    witness.seen.clear();
    await using follower = follow();
    await follower.start(60_000);
    await grow(1);
    await cosigned();
    expect(reports()).toEqual(['success']);
    expect(log.unreadiness).toBeUndefined();
  });

  it('stops the signing of the trail, with what is proven in the report', async () => {
    await grow(3);
    await vi.waitFor(() => expect(log.trail('main')?.checkpoint?.size).toBe(3), waiting);
    showAnotherHistory(readFileSync(path.join(folder.keys, 'main.key'), 'utf8').trim());
    await using follower = follow();
    await follower.start(60_000);
    expect(reports()).toEqual(['denied inconsistent forked']);
    expect(log.unreadiness).toBe('log_forked');
    await expect(log.publish('main')).resolves.toMatchObject({ size: 3 });
    await grow(1);
    await expect(log.publish('main')).rejects.toMatchObject({ code: 'log_forked' });
    expect(follower.witnessed.shown('main')?.size).toBe(3);
  });
});

describe('the checkpoint that is shown', () => {
  it('is the witnessed one for a minute, then the last, and never smaller than before', async () => {
    await using follower = follow();
    const { witnessed } = follower;
    expect(witnessed.shown('main')).toBeUndefined();
    await grow(3);
    await cosigned();
    nowMs = Date.now();
    witness.misbehaviour = 'unavailable';
    await grow(3);
    await vi.waitFor(() => expect(log.trail('main')?.checkpoint?.size).toBe(6), waiting);
    expect(witnessed.shown('main')?.size).toBe(3);
    expect(witnessed.covering('main', 2)?.size).toBe(3);
    expect(witnessed.covering('main', 3)?.size).toBe(6);
    nowMs += 61_000;
    expect(witnessed.shown('main')?.size).toBe(6);
    nowMs -= 61_000;
    expect(witnessed.shown('main')?.size).toBe(6);
    expect(witnessed.shown('none')).toBeUndefined();
    // A line that is wrong is nobody's cosignature.
    witnessed.add('main', { size: 7, note: 'nonsense' });
    expect(witnessed.covering('main', 6)).toBeUndefined();
  });
});
