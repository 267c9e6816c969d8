import type { Event, Receipt } from '@sealtrail/core';
import { SealtrailError } from '@sealtrail/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRecorder } from './recorder.ts';
import {
  answerWith,
  dropConnection,
  type Fault,
  hang,
  IngestServer,
  refuse,
} from './testing/ingest-server.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { code, outcome, quick, recorderFor, TOKEN } from './testing/recording.ts';

let server: IngestServer;
beforeEach(async () => {
  server = await IngestServer.start();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

const html = '<html><body>Bad gateway</body></html>';
const lie = (body: object): Fault => answerWith(201, 'application/json', JSON.stringify(body));

describe('faults that pass', () => {
  const faults: Record<string, Fault> = {
    'is overloaded (503)': refuse(503, 'overloaded'),
    'limits the rate (429)': refuse(429, 'overloaded'),
    'has a failure (500)': refuse(500, 'internal'),
    'is behind a proxy that has lost it (502)': answerWith(502, 'text/html', html),
    'drops the connection before it stored the events': dropConnection(),
    'drops the connection after it stored the events': dropConnection({ afterStoring: true }),
    'is hidden by something that says 200 to everything': answerWith(200, 'text/html', html),
    'answers with receipts for other events': lie({
      receipts: [{ id: '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f', trail: 'main', index: 0, leafHash: 'x' }],
    }),
    'answers with too few receipts': lie({ receipts: [] }),
    'answers with too many receipts': (request, response, self) => {
      const receipts = self.store([...request.events, ...request.events]);
      return lie({ receipts })(request, response, self);
    },
    'answers at a length that no answer has': (request, response, self) => {
      const answer = JSON.stringify({ receipts: self.store(request.events) });
      return answerWith(201, 'application/json', answer + ' '.repeat(200_000))(request, response, self);
    },
  };
  it.each(Object.entries(faults))('an event reaches a server that %s, exactly once', async (_, fault) => {
    server.failNext(fault, fault);
    await using recorder = recorderFor(server);
    const receipt = await recorder.record({ action: 'a', metadata: { text: 'ünïcode \u2028' } });
    expect(server.stored.map((event) => event.id)).toEqual([receipt.id]);
    expect(server.requests).toHaveLength(3);
    expect(new Set(server.requests.map((request) => request.body)).size).toBe(1);
  });

  it('an event reaches a server that is too slow at first, exactly once', async () => {
    server.failNext(hang);
    await using recorder = recorderFor(server, { attemptTimeoutMs: 50 });
    const receipt = await recorder.record({ action: 'a' });
    expect(server.stored.map((event) => event.id)).toEqual([receipt.id]);
  });

  it('repetitions of an event are the same bytes even when later events join its batch', async () => {
    server.failNext(refuse(503, 'overloaded'));
    const clock = new ManualClock();
    await using recorder = recorderFor(server, { clock, retryBaseMs: 1000, random: allOnes });
    const first = recorder.record({ action: 'a' });
    clock.advance((await clock.sleeping((ms) => ms < 1000)) / 2);
    const second = recorder.record({ action: 'b' });
    clock.advance(1000);
    await Promise.all([first, second]);
    expect(server.requests.map((request) => request.elements.length)).toEqual([1, 2]);
    expect(server.requests[1]?.elements[0]).toBe(server.requests[0]?.elements[0]);
  });
});

describe('waiting between attempts', () => {
  it('waits at least as long as Retry-After says', async () => {
    server.failNext(refuse(503, 'overloaded', { 'retry-after': '7' }));
    const clock = new ManualClock();
    await using recorder = recorderFor(server, { clock, random: allOnes });
    const receipt = recorder.record({ action: 'a' });
    const pause = await clock.sleeping((ms) => ms >= 7000 && ms < 10_000);
    clock.advance(6999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(server.requests).toHaveLength(1);
    clock.advance(pause - 6999);
    await receipt;
    expect(server.requests).toHaveLength(2);
  });

  it('waits twice as long at most after each failure, up to a bound', async () => {
    server.failNext(...Array.from({ length: 4 }, () => refuse(503, 'overloaded')));
    const clock = new ManualClock();
    await using recorder = recorderFor(server, { clock, random: allOnes, retryBaseMs: 100, retryMaxMs: 400 });
    const receipt = recorder.record({ action: 'a' });
    const pauses: number[] = [];
    for (let i = 0; i < 4; i++) {
      const pause = await clock.sleeping((ms) => ms < 1000);
      pauses.push(Math.round(pause));
      clock.advance(pause);
    }
    await receipt;
    expect(pauses).toEqual([100, 200, 400, 400]);
  });

  it('a failing server holds back later events too', async () => {
    server.failNext(refuse(503, 'overloaded', { 'retry-after': '5' }));
    const clock = new ManualClock();
    await using recorder = recorderFor(server, { clock, maxBatchEvents: 1 });
    const first = recorder.record({ action: 'a' });
    const pause = await clock.sleeping((ms) => ms >= 5000 && ms < 10_000);
    const second = recorder.record({ action: 'b' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(server.requests).toHaveLength(1);
    clock.advance(pause);
    await Promise.all([first, second]);
  });
});

describe('faults that stay', () => {
  it('an event whose time is over is rejected with the last cause, and can be recorded again', async () => {
    server.failAlways(refuse(503, 'overloaded'));
    const lost: (Event | undefined)[] = [];
    await using recorder = recorderFor(server, {
      deliveryTimeoutMs: 30,
      onError: (_, event) => lost.push(event),
    });
    const error = await outcome(recorder.record({ action: 'a' }));
    expect(error).toMatchObject({ code: 'not_delivered', cause: { code: 'overloaded' } });
    server.heal();
    const receipt = await recorder.record(lost[0]!);
    expect(server.requests.at(-1)?.elements).toEqual(server.requests[0]?.elements);
    expect(receipt.id).toBe(lost[0]?.id);
  });

  it('an event does not wait for a Retry-After beyond its own time', async () => {
    server.failAlways(refuse(503, 'overloaded', { 'retry-after': '60' }));
    const clock = new ManualClock();
    await using recorder = recorderFor(server, { clock, deliveryTimeoutMs: 2000 });
    const result = code(recorder.record({ action: 'a' }));
    clock.advance(await clock.sleeping((ms) => ms <= 2000));
    expect(await result).toBe('not_delivered');
  });

  it('a server that is not there is not_delivered, with the network error as its cause', async () => {
    const { url } = server;
    await server[Symbol.asyncDispose]();
    await using recorder = createRecorder({ url, token: TOKEN, ...quick, deliveryTimeoutMs: 20 });
    const error = await outcome(recorder.record({ action: 'a' }));
    expect(error).toMatchObject({ code: 'not_delivered', cause: { code: 'not_delivered' } });
    server = await IngestServer.start();
  });

  it.each([
    ['a token it does not know', 401, 'unauthenticated'],
    ['a token that may not', 403, 'forbidden'],
    ['a wrong address', 404, 'not_found'],
  ])('%s ends all events of the batch after one request', async (_, status, expected) => {
    server.failAlways(refuse(status, expected));
    await using recorder = recorderFor(server);
    const codes = [1, 2, 3].map(() => code(recorder.record({ action: 'a' })));
    expect(await Promise.all(codes)).toEqual([expected, expected, expected]);
    expect(server.requests).toHaveLength(1);
  });

  it('a redirect is not followed: it could carry the token elsewhere', async () => {
    server.failAlways((_request, response) => {
      response.writeHead(307, { location: `${server.url}/elsewhere` }).end();
      return undefined;
    });
    await using recorder = recorderFor(server);
    expect(await code(recorder.record({ action: 'a' }))).toBe('invalid_configuration');
    expect(server.requests).toHaveLength(1);
  });

  it('errors hold neither the token nor what the event said', async () => {
    server.failAlways(refuse(503, 'overloaded'));
    await using recorder = recorderFor(server, { deliveryTimeoutMs: 5 });
    const error = (await outcome(
      recorder.record({ action: 'a', reason: 'private-content' }),
    )) as SealtrailError;
    const shown = `${error.stack} ${String(error.cause)} ${JSON.stringify(error)}`;
    expect(shown).not.toContain(TOKEN);
    expect(shown).not.toContain('private-content');
  });
});

describe('a batch with bad events', () => {
  it.each([
    ['takes part of a batch', true],
    ['refuses the whole and names the positions', false],
  ])('a server that %s: only the bad ones fail, each with its own places', async (_, partial) => {
    server.partial = partial;
    await using recorder = recorderFor(server);
    const results = await Promise.all(
      ['a', 'bad', 'b', 'bad', 'c'].map((action) => outcome(recorder.record({ action }))),
    );
    expect(results.map((result) => (result instanceof SealtrailError ? result.code : 'ok'))).toEqual([
      'ok',
      'invalid_event',
      'ok',
      'invalid_event',
      'ok',
    ]);
    expect((results[1] as SealtrailError).details).toEqual([
      { code: 'invalid_event', pointer: '/action', message: 'expected a good action' },
    ]);
    expect(server.stored.map((event) => event.id)).toEqual(
      [results[0], results[2], results[4]].map((receipt) => (receipt as Receipt).id),
    );
  });

  it.each([
    [503, 'overloaded'],
    [413, 'body_too_large'],
  ])(
    'a server that stores a part and then fails with %i gets only the others again',
    async (status, failure) => {
      server.failNext((request, response, self) => {
        const receipts = self.store([request.events[0]!, request.events[2]!]);
        const errors = [
          { position: 1, code: 'invalid_event', pointer: '/action', message: 'expected a good action' },
        ];
        response.writeHead(status, { 'content-type': 'application/problem+json' });
        response.end(JSON.stringify({ status, code: failure, errors, receipts, decided: 3 }));
        return undefined;
      });
      await using recorder = recorderFor(server);
      const results = ['a', 'bad', 'b', 'c', 'd'].map((action) => code(recorder.record({ action })));
      expect(await Promise.all(results)).toEqual(['ok', 'invalid_event', 'ok', 'ok', 'ok']);
      expect(server.requests.map(({ events }) => events.map(({ action }) => action))).toEqual([
        ['a', 'bad', 'b', 'c', 'd'],
        ['c', 'd'],
      ]);
    },
  );

  it.each([0, 6, -1, 1.5, '3', 2])(
    'an answer that claims to have decided %j without what fits it decides nothing',
    async (decided) => {
      server.failNext((_request, response) => {
        response.writeHead(503, { 'content-type': 'application/problem+json' });
        response.end(JSON.stringify({ status: 503, code: 'overloaded', receipts: [], decided }));
        return undefined;
      });
      await using recorder = recorderFor(server);
      const results = ['a', 'b', 'c'].map((action) => code(recorder.record({ action })));
      expect(await Promise.all(results)).toEqual(['ok', 'ok', 'ok']);
      expect(server.requests.map(({ events }) => events.length)).toEqual([3, 3]);
    },
  );

  it('a server that takes smaller requests gets smaller requests, from then on', async () => {
    server.failAlways((request, response, self) =>
      request.body.length > 2000 ? refuse(413, 'body_too_large')(request, response, self) : 'pass',
    );
    await using recorder = recorderFor(server);
    const text = 'x'.repeat(500);
    const record = (): Promise<Receipt> => recorder.record({ action: 'a', metadata: { text } });
    await Promise.all(Array.from({ length: 16 }, record));
    const before = server.requests.length;
    await Promise.all(Array.from({ length: 4 }, record));
    expect(server.stored).toHaveLength(20);
    expect(server.requests.slice(before).every((request) => request.body.length <= 2000)).toBe(true);
  });
});

describe('more events than the server takes', () => {
  it('what stays queued after a refusal still counts against the bytes of the queue', async () => {
    const gate = Promise.withResolvers<void>();
    server.partial = false;
    server.failNext(
      () => 'pass',
      async () => {
        await gate.promise;
        return 'pass' as const;
      },
    );
    await using recorder = recorderFor(server, { maxQueueBytes: 61_440 });
    const record = (action: string): Promise<string> =>
      code(recorder.record({ action, metadata: { text: 'x'.repeat(10_300) } }));
    const results = ['bad', 'a', 'a', 'a', 'a'].map(record);
    await server.arrived(2);
    results.push(record('a'), record('a'));
    gate.resolve();
    expect(await Promise.all(results)).toEqual(['invalid_event', 'ok', 'ok', 'ok', 'ok', 'ok', 'overloaded']);
  });

  it('a full queue rejects with overloaded and has room again once the server catches up', async () => {
    const gate = Promise.withResolvers<void>();
    server.failNext(async () => {
      await gate.promise;
      return 'pass' as const;
    });
    await using recorder = recorderFor(server, { maxQueueEvents: 3 });
    const kept = [1, 2, 3].map(() => code(recorder.record({ action: 'a' })));
    expect(await code(recorder.record({ action: 'a' }))).toBe('overloaded');
    const ready = recorder.ready();
    gate.resolve();
    await ready;
    expect(await Promise.all(kept)).toEqual(['ok', 'ok', 'ok']);
    expect(await code(recorder.record({ action: 'a' }))).toBe('ok');
    expect(server.stored.map((event) => event.producer?.seq)).toEqual([0, 1, 2, 4]);
  });

  it('a producer that waits for ready() loses nothing and never holds more than the queue may', async () => {
    await using recorder = recorderFor(server, { maxQueueEvents: 10, maxBatchEvents: 4 });
    let most = 0;
    for (let i = 0; i < 200; i++) {
      await recorder.ready();
      void recorder.record({ action: `n${i}` });
      most = Math.max(most, recorder.pendingEvents);
    }
    await recorder.flush();
    expect(most).toBe(10);
    expect(server.stored.map((event) => event.action)).toEqual(
      Array.from({ length: 200 }, (_, i) => `n${i}`),
    );
  });

  it('closing frees those who wait for room', async () => {
    server.failAlways(hang);
    const recorder = recorderFor(server, { maxQueueEvents: 1, closeTimeoutMs: 1 });
    void recorder.record({ action: 'a' });
    const ready = recorder.ready();
    await recorder.close();
    await ready;
    expect(recorder.pendingEvents).toBe(0);
  });
});

describe('a token that changes', () => {
  it('is asked for before each attempt', async () => {
    server.failNext(refuse(503, 'overloaded'));
    const tokens = ['first', 'second'];
    await using recorder = createRecorder({ url: server.url, token: async () => tokens.shift()!, ...quick });
    await recorder.record({ action: 'a' });
    expect(server.requests.map((request) => request.headers.authorization)).toEqual([
      'Bearer first',
      'Bearer second',
    ]);
  });
});

function allOnes(length: number): Uint8Array {
  return new Uint8Array(length).fill(0xff);
}
