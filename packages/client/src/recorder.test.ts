import { type Event, eventLimits, SealtrailError } from '@sealtrail/core';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRecorder, type RecorderOptions } from './recorder.ts';
import { IngestServer } from './testing/ingest-server.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { code, outcome, quick, recorderFor, TOKEN } from './testing/recording.ts';
import type { DeliveryResult, EncodedEvent, Transport } from './transport.ts';

let server: IngestServer;
beforeEach(async () => {
  server = await IngestServer.start();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

const receiptOf = ({ id }: EncodedEvent, index = 0) => ({ id, trail: 'main', index, leafHash: 'x' });
const acceptAll: Transport = async (events) => ({
  kind: 'answered',
  outcomes: events.map((event) => receiptOf(event)),
});

describe('recording', () => {
  it('resolves with the receipt the server gave', async () => {
    await using recorder = recorderFor(server);
    const receipt = await recorder.record({
      action: 'user.login',
      id: '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f',
    });
    expect(receipt).toEqual({
      id: '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f',
      trail: 'main',
      index: 0,
      leafHash: `${'A'.repeat(43)}=`,
    });
  });

  it('posts a JSON array with the bearer token and asks for partial acceptance', async () => {
    await using recorder = createRecorder({ url: `${server.url}/audit`, token: TOKEN, ...quick });
    await recorder.record({ action: 'user.login' });
    const [request] = server.requests;
    expect(request?.url).toBe('/audit/v1/events?partial=true');
    expect(request?.headers.authorization).toBe(`Bearer ${TOKEN}`);
    expect(request?.headers['content-type']).toBe('application/json');
  });

  it('makes a UUID version 7, a time and a producer for events that have none', async () => {
    const clock = new ManualClock();
    await using recorder = recorderFor(server, { clock });
    await recorder.record({ action: 'user.login' });
    const [event] = server.stored;
    expect(event?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(event?.time).toBe('2026-01-31T09:30:00.000Z');
    expect(event?.producer).toEqual({ id: expect.any(String), seq: 0 });
  });

  it('keeps the id, time and producer that an event has', async () => {
    const event = {
      action: 'user.login',
      id: '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f',
      time: '2025-12-31T23:59:59.999Z',
      producer: { id: 'cron', seq: 7 },
    };
    await using recorder = recorderFor(server);
    await recorder.record(event);
    expect(server.stored).toEqual([event]);
  });

  it('numbers events by one, so that a refused event leaves a gap', async () => {
    await using recorder = recorderFor(server, { producer: { id: 'api-1', firstSeq: 5 } });
    const results = ['a', 'bad', 'b', 'c'].map((action) => code(recorder.record({ action })));
    expect(await Promise.all(results)).toEqual(['ok', 'invalid_event', 'ok', 'ok']);
    expect(server.stored.map((event) => event.producer)).toEqual(
      [5, 7, 8].map((seq) => ({ id: 'api-1', seq })),
    );
  });

  it('takes a snapshot: changes to the event after record() do not travel', async () => {
    const event = { action: 'order.create', metadata: { total: 10 } };
    await using recorder = recorderFor(server);
    const receipt = recorder.record(event);
    event.metadata.total = 99;
    await receipt;
    expect(server.stored[0]?.metadata).toEqual({ total: 10 });
  });

  it('redacts before anything leaves the process', async () => {
    await using recorder = recorderFor(server, { redact: ['metadata.password', 'actor.email'] });
    await recorder.record({
      action: 'user.create',
      actor: { type: 'user', email: 'ada@example.test' },
      metadata: { password: 'hunter2' },
    });
    expect(server.requests[0]?.body).not.toMatch(/hunter2|ada@/);
    expect(server.stored[0]?.metadata).toEqual({ password: '[redacted]' });
  });

  it('says where events come from by its defaults, unless they say it themselves', async () => {
    await using recorder = recorderFor(server, {
      defaults: { tenant: 'acme', context: { service: 'billing', environment: 'test' } },
    });
    await recorder.record({ action: 'a', context: { service: 'mailer' } });
    expect(server.stored[0]).toMatchObject({
      tenant: 'acme',
      context: { service: 'mailer', environment: 'test' },
    });
  });
});

describe('batching', () => {
  it('sends what one turn of the event loop brings in one request, in order', async () => {
    await using recorder = recorderFor(server);
    await Promise.all(Array.from({ length: 20 }, (_, i) => recorder.record({ action: `n${i}` })));
    expect(server.requests).toHaveLength(1);
    expect(server.stored.map((event) => event.action)).toEqual(Array.from({ length: 20 }, (_, i) => `n${i}`));
  });

  it('keeps to the greatest number of events in a request', async () => {
    await using recorder = recorderFor(server, { maxBatchEvents: 8 });
    await Promise.all(Array.from({ length: 20 }, (_, i) => recorder.record({ action: `n${i}` })));
    expect(server.requests.map((request) => request.events.length)).toEqual([8, 8, 4]);
  });

  it('keeps to the greatest number of bytes in a request, but always sends one event', async () => {
    await using recorder = recorderFor(server, { maxBatchBytes: 4096 });
    const sizes = [5000, 1000, 1000, 1000, 1000];
    await Promise.all(
      sizes.map((size) => recorder.record({ action: 'a', metadata: { text: 'x'.repeat(size) } })),
    );
    expect(server.requests.map((request) => request.events.length)).toEqual([1, 3, 1]);
  });

  it('waits for company as long as it lingers, and no longer once the batch is full', async () => {
    const clock = new ManualClock();
    await using recorder = recorderFor(server, { clock, lingerMs: 500, maxBatchEvents: 2 });
    const first = recorder.record({ action: 'a' });
    expect(await clock.sleeping((ms) => ms <= 500)).toBe(500);
    expect(server.requests).toHaveLength(0);
    clock.advance(499);
    await recorder.record({ action: 'b' });
    await first;
    expect(server.requests).toHaveLength(1);
  });

  it('stops lingering when it is told to flush, and flush waits for the receipts', async () => {
    await using recorder = recorderFor(server, { lingerMs: 60_000 });
    void recorder.record({ action: 'a' });
    await recorder.flush();
    expect(server.stored).toHaveLength(1);
    expect(recorder.pendingEvents).toBe(0);
  });
});

describe('errors of one event', () => {
  it.each([
    ['a cycle', () => ({ metadata: Object.fromEntries([['self', cycle]]) })],
    ['a BigInt', () => ({ metadata: { n: 1n } })],
    [
      'a toJSON method that throws',
      () => ({
        metadata: {
          toJSON() {
            throw new Error('secret-content');
          },
        },
      }),
    ],
  ])('rejects %s as invalid_event without quoting it', async (_, extra) => {
    await using recorder = recorderFor(server);
    const error = await outcome(recorder.record({ action: 'a', ...extra() } as unknown as Event));
    expect(error).toMatchObject({ code: 'invalid_event' });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('secret-content');
  });

  it('rejects what is no event at all', async () => {
    await using recorder = recorderFor(server);
    expect(await code(recorder.record(undefined as unknown as Event))).toBe('invalid_event');
  });

  it('rejects an event that no entry can hold before it is sent', async () => {
    await using recorder = recorderFor(server);
    const metadata = { text: 'x'.repeat(eventLimits.entryBytes) };
    expect(await code(recorder.record({ action: 'a', metadata }))).toBe('entry_too_large');
    expect(server.requests).toHaveLength(0);
  });

  const anyBatch = fc.array(fc.boolean(), { minLength: 1, maxLength: 40 });
  /** Ways in which servers refuse a batch that holds bad events. */
  const answers: Record<
    string,
    (bad: readonly boolean[], events: readonly EncodedEvent[]) => DeliveryResult
  > = {
    'takes the good ones at once': (bad, events) => ({
      kind: 'answered',
      outcomes: events.map((event, i) => (bad[i] ? new SealtrailError('invalid_event') : receiptOf(event))),
    }),
    'refuses all and names the bad ones': (bad) => ({
      kind: 'answered',
      outcomes: bad.map((isBad) => (isBad ? new SealtrailError('invalid_event') : undefined)),
    }),
    'refuses all without a word': () => ({
      kind: 'refused',
      error: new SealtrailError('invalid_event'),
      divisible: true,
    }),
  };
  it.each(Object.entries(answers))(
    'rejects bad events and only these, and delivers the others in order, when a server %s',
    async (_, answer) => {
      await fc.assert(
        fc.asyncProperty(anyBatch, async (pattern) => {
          const delivered: string[] = [];
          const transport: Transport = async (events) => {
            const bad = events.map((event) => (JSON.parse(event.json) as Event).action.startsWith('bad'));
            if (bad.includes(true)) {
              const result = answer(bad, events);
              if (result.kind === 'answered') {
                delivered.push(...events.filter((_, i) => result.outcomes[i] && !bad[i]).map((e) => e.id));
              }
              return result;
            }
            delivered.push(...events.map((event) => event.id));
            return { kind: 'answered', outcomes: events.map((event) => receiptOf(event)) };
          };
          await using recorder = createRecorder({ transport, ...quick, maxBatchEvents: 16 });
          const results = await Promise.all(
            pattern.map((isBad, i) => outcome(recorder.record({ action: isBad ? `bad${i}` : `good${i}` }))),
          );
          expect(results.map((result) => result instanceof SealtrailError)).toEqual(pattern);
          const ids = results.flatMap((result) => (result instanceof SealtrailError ? [] : [result.id]));
          expect(delivered).toEqual(ids);
        }),
      );
    },
  );
});

it('batches are as large as before once a bad event has been singled out', async () => {
  const sizes: number[] = [];
  const transport: Transport = async (events) => {
    sizes.push(events.length);
    return events.some(({ json }) => json.includes('"bad"'))
      ? { kind: 'refused', error: new SealtrailError('invalid_event'), divisible: true }
      : acceptAll(events, new AbortController().signal);
  };
  await using recorder = createRecorder({ transport, ...quick, maxBatchEvents: 8 });
  const actions = ['bad', ...Array.from({ length: 23 }, () => 'a')];
  await Promise.all(actions.map((action) => outcome(recorder.record({ action }))));
  expect(sizes).toEqual([8, 4, 2, 1, 1, 2, 4, 8, 8]);
});

it('a transport that is out of time is told to give up', async () => {
  const signals: AbortSignal[] = [];
  const transport: Transport = (events, signal) => {
    signals.push(signal);
    return signals.length === 1 ? new Promise(() => undefined) : acceptAll(events, signal);
  };
  await using recorder = createRecorder({ transport, ...quick, attemptTimeoutMs: 5 });
  await recorder.record({ action: 'a' });
  expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
});

describe('a recorder whose promises nobody looks at', () => {
  it('reports each loss with the event as sent, and causes no unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): number => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    const lost: [string, Event | undefined][] = [];
    await using recorder = recorderFor(server, {
      onError: (error, event) => {
        lost.push([error.code, event]);
        throw new Error('a broken handler');
      },
    });
    void recorder.record({ action: 'bad' });
    void recorder.record({ action: 'good' });
    await recorder.flush();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual([]);
    expect(lost).toEqual([['invalid_event', server.requests[0]?.events[0]]]);
  });

  it('warns the process when there is no handler', async () => {
    const warnings: Error[] = [];
    const listener = (warning: Error): number => warnings.push(warning);
    process.on('warning', listener);
    await using recorder = createRecorder({ url: server.url, token: TOKEN, lingerMs: 0 });
    void recorder.record({ action: 'bad' });
    void recorder.record({ action: 'bad' });
    await recorder.flush();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listener);
    expect(warnings.map((warning) => [warning.name, 'code' in warning && warning.code])).toEqual([
      ['SealtrailWarning', 'invalid_event'],
    ]);
  });
});

describe('closing', () => {
  it('delivers what is queued and takes no more', async () => {
    const recorder = recorderFor(server, { lingerMs: 60_000 });
    const receipt = recorder.record({ action: 'a' });
    await recorder.close();
    expect(await code(receipt)).toBe('ok');
    expect(await code(recorder.record({ action: 'b' }))).toBe('recorder_closed');
    await recorder.close();
  });

  it('gives up after its time, even when the transport heeds no signal', async () => {
    const transport: Transport = () => new Promise(() => undefined);
    const recorder = createRecorder({ transport, ...quick, closeTimeoutMs: 1 });
    const receipt = recorder.record({ action: 'a' });
    await recorder.close();
    expect(await code(receipt)).toBe('not_delivered');
  });
});

describe('configuration', () => {
  it.each<[string, RecorderOptions]>([
    ['an address that is none', { url: 'audit', token: TOKEN }],
    ['another protocol', { url: 'ftp://example.test', token: TOKEN }],
    ['credentials in the address', { url: 'https://u:p@example.test', token: TOKEN }],
    ['a query in the address', { url: 'https://example.test/?a=1', token: TOKEN }],
    ['a token with a line break', { url: 'https://example.test', token: 'a\nb' }],
    ['an empty token', { url: 'https://example.test', token: '' }],
    ['a limit below its least', { transport: acceptAll, maxBatchEvents: 0 }],
    ['a limit that is no integer', { transport: acceptAll, lingerMs: 0.5 }],
    ['a limit above its greatest', { transport: acceptAll, attemptTimeoutMs: 1e12 }],
    ['a redaction of what an entry needs', { transport: acceptAll, redact: ['action'] }],
  ])('refuses %s', (_, options) => {
    expect(() => createRecorder(options)).toThrow(expect.objectContaining({ code: 'invalid_configuration' }));
  });

  it('does not quote a token that it refuses', () => {
    const options = { url: 'https://example.test', token: 'very secret\n' };
    expect(() => createRecorder(options)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    );
  });
});

const cycle: Record<string, unknown> = {};
cycle['self'] = cycle;
