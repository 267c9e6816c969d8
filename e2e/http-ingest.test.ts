import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { IngestResponse, Receipt } from '@sealtrail/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, adminSecret, problemOf, startServer, type TestServer } from './support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const ndjson = { 'content-type': 'application/x-ndjson' };
const json = { 'content-type': 'application/json' };

const post = (
  body: NonNullable<RequestInit['body']>,
  headers: Record<string, string> = json,
  query = '',
  token?: string,
): Promise<Answer> =>
  server.send(`/v1/events${query}`, {
    method: 'POST',
    body,
    headers,
    duplex: 'half',
    ...(token && { token }),
  } as RequestInit & { token?: string });

const receiptsOf = ({ status, text }: Answer): readonly Receipt[] => {
  expect(status).toBe(201);
  return (JSON.parse(text) as IngestResponse).receipts;
};

const newId = (): string => crypto.randomUUID();

describe('an event sent again', () => {
  const event = (id: string): object => ({
    id,
    action: 'a',
    time: '2026-01-31T09:30:00.000Z',
    metadata: { b: 1, a: 2 },
  });

  it('gets the same receipt, and is in the trail once', async () => {
    const id = newId();
    const before = server.size();
    const [first, second] = [await server.record(event(id)), await server.record(event(id))];
    expect(second).toEqual(first);
    expect(server.size()).toBe(before + 1);
  });

  it('is recognized however it is spelled', async () => {
    const id = newId();
    const [first] = (await server.record(event(id))).receipts;
    const spelled = `{"metadata":{"a":2.0,"\\u0062":1e0},"time":"2026-01-31T10:30:00+01:00","id":"${id.toUpperCase()}","action":"a"}`;
    expect(receiptsOf(await post(spelled))).toEqual([first]);
    expect(first?.id).toBe(id);
  });

  it('is recognized within one request', async () => {
    const [a, b] = [newId(), newId()];
    const before = server.size();
    const { receipts } = await server.record([event(a), event(b), event(a)]);
    expect(receipts[2]).toEqual(receipts[0]);
    expect(server.size()).toBe(before + 2);
  });

  it('is recognized in requests at the same time', async () => {
    const id = newId();
    const before = server.size();
    const answers = await Promise.all(Array.from({ length: 20 }, () => server.record(event(id))));
    expect(new Set(answers.map(({ receipts }) => JSON.stringify(receipts))).size).toBe(1);
    expect(server.size()).toBe(before + 1);
  });

  it('is recognized where the server chose its time', async () => {
    const id = newId();
    const [first] = (await server.record({ id, action: 'a' })).receipts;
    await sleep(5);
    expect((await server.record({ id, action: 'a' })).receipts).toEqual([first]);
  });

  it('is recognized although a secret in it was removed', async () => {
    const secret = {
      id: newId(),
      action: 'a',
      metadata: { password: 'hunter2' },
      time: '2026-01-31T09:30:00Z',
    };
    const [first] = (await server.record(secret)).receipts;
    expect((await server.record(secret)).receipts).toEqual([first]);
    expect(server.entries('main', first!.index)[0]).toMatchObject({
      metadata: { password: '[redacted:key]' },
    });
  });

  it('is refused with other content, in another request or the same', async () => {
    const id = newId();
    await server.record(event(id));
    const before = server.size();
    const other = { ...event(id), action: 'b' };
    for (const body of [other, [{ action: 'c' }, other]]) {
      const problem = problemOf(await post(JSON.stringify(body)));
      expect([problem.status, problem.code, problem.errors?.[0]?.pointer]).toEqual([
        409,
        'id_conflict',
        '/id',
      ]);
    }
    const fresh = newId();
    const both = problemOf(await post(JSON.stringify([event(fresh), { ...event(fresh), action: 'b' }])));
    expect([both.code, both.errors?.[0]?.position]).toEqual(['id_conflict', 1]);
    expect(server.size()).toBe(before);
  });

  it('is refused with another time where it had one', async () => {
    const id = newId();
    await server.record(event(id));
    const problem = problemOf(await post(JSON.stringify({ ...event(id), time: '2026-01-31T09:30:00.001Z' })));
    expect(problem.code).toBe('id_conflict');
  });

  it('is another event in another trail', async () => {
    const id = newId();
    await server.record({ ...event(id), trail: 'other' });
    const { receipts } = await server.record(event(id));
    expect(receipts[0]?.trail).toBe('main');
  });
});

describe('partial=true', () => {
  const mixed = [
    { action: 'good-0' },
    { action: 7 },
    { action: 'good-2' },
    { action: 'a', trail: 'system' },
    { action: 'good-4' },
  ];

  it.each([
    ['JSON', JSON.stringify(mixed), json],
    ['NDJSON', mixed.map((event) => JSON.stringify(event)).join('\r\n'), ndjson],
  ])('stores what is good of %s and names the rest by position', async (_name, body, headers) => {
    const before = server.size();
    const answer = await post(body, headers, '?partial=true');
    expect(answer.status).toBe(201);
    const { receipts, errors } = JSON.parse(answer.text) as IngestResponse;
    expect(receipts.map(({ index }) => index)).toEqual([before, before + 1, before + 2]);
    expect(server.entries('main', before).map(({ action }) => action)).toEqual([
      'good-0',
      'good-2',
      'good-4',
    ]);
    expect(errors?.map(({ position, pointer, code }) => [position, pointer, code])).toEqual([
      [1, '/action', 'invalid_event'],
      [3, '/trail', 'forbidden'],
    ]);
  });

  it('is all or nothing without it', async () => {
    const before = server.size();
    for (const query of ['', '?partial=false'])
      expect(problemOf(await post(JSON.stringify(mixed), json, query)).code).toBe('invalid_event');
    expect(server.size()).toBe(before);
  });

  it('names conflicts among good events', async () => {
    const id = newId();
    await server.record({ id, action: 'a' });
    const answer = await post(
      JSON.stringify([{ action: 'x' }, { id, action: 'b' }, { action: 'y' }]),
      json,
      '?partial=true',
    );
    const { receipts, errors } = JSON.parse(answer.text) as IngestResponse;
    expect(receipts).toHaveLength(2);
    expect(errors).toMatchObject([{ position: 1, pointer: '/id', code: 'id_conflict' }]);
  });

  it('names what is refused in order, whoever has refused it', async () => {
    const [one, other] = [newId(), newId()];
    await server.record([one, other].map((id) => ({ id, action: 'a' })));
    const events = [
      { id: one, action: 'b' },
      { action: 7 },
      { id: other, action: 'b' },
      { action: 'good' },
      {},
    ];
    const expected = [
      [0, 'id_conflict'],
      [1, 'invalid_event'],
      [2, 'id_conflict'],
      [4, 'invalid_event'],
    ];
    const answer = await post(JSON.stringify(events), json, '?partial=true');
    const { errors } = JSON.parse(answer.text) as IngestResponse;
    expect(errors?.map(({ position, code }) => [position, code])).toEqual(expected);
    const problem = problemOf(await post(JSON.stringify(events.toSpliced(3, 1)), json, '?partial=true'));
    expect(problem.code).toBe('id_conflict');
    expect(problem.errors?.map(({ position }) => position)).toEqual([0, 1, 2, 3]);
  });

  it('is refused as a whole when nothing is good', async () => {
    expect(problemOf(await post('{"action":""}', json, '?partial=true')).code).toBe('invalid_event');
  });

  it('stores nothing of an array that is no JSON', async () => {
    const before = server.size();
    const problem = problemOf(await post('[{"action":"a"},{"action":"b"', json, '?partial=true'));
    expect([problem.code, problem.errors?.[0]?.position]).toEqual(['malformed_json', 1]);
    expect(server.size()).toBe(before);
  });

  it('passes over a line that is too long', async () => {
    const body = `{"action":"x"}\n{"action":"${'x'.repeat(500_000)}"}\n{"action":"y"}`;
    const answer = await post(body, ndjson, '?partial=true');
    const { receipts, errors } = JSON.parse(answer.text) as IngestResponse;
    expect(receipts).toHaveLength(2);
    expect(errors).toMatchObject([{ position: 1, code: 'entry_too_large' }]);
  });

  it('takes a stream beyond the limit of a body, a group at a time', async () => {
    const before = server.size();
    const count = 10_000;
    const filler = 'x'.repeat(2000);
    let mostQueued = 0;
    async function* body(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < count; i += 50) {
        const lines = Array.from({ length: 50 }, (_, j) =>
          i + j === 7777
            ? 'not an event\n'
            : `{"action":"bulk","reason":"${filler}","metadata":{"n":${i + j}}}\r\n\n`,
        );
        mostQueued = Math.max(mostQueued, server.engine.log.queuedBytes);
        yield Buffer.from(lines.join(''));
      }
    }
    const answer = await post(
      ReadableStream.from(body()) as unknown as NonNullable<RequestInit['body']>,
      ndjson,
      '?partial=true',
    );
    expect(answer.status).toBe(201);
    const { receipts, errors } = JSON.parse(answer.text) as IngestResponse;
    expect(receipts.map(({ index }) => index)).toEqual(
      Array.from({ length: count - 1 }, (_, i) => before + i),
    );
    expect(errors).toMatchObject([{ position: 7777, code: 'malformed_json' }]);
    expect(count * filler.length).toBeGreaterThan(16 * 1024 * 1024);
    expect(mostQueued).toBeLessThan(4 * 1024 * 1024);
  });

  it('takes nothing else for true', async () => {
    for (const query of ['?partial=yes', '?partial=', '?partial=true&partial=false', '?parital=true'])
      expect(problemOf(await post('{"action":"a"}', json, query)).code).toBe('invalid_parameter');
  });
});

describe('a body', () => {
  it('may be NDJSON with blank lines, carriage returns and no last line feed', async () => {
    const receipts = receiptsOf(
      await post('\r\n{"action":"a"}\r\n \t\r\n\n{"action":"b"}\n{"action":"c"}', ndjson),
    );
    expect(receipts).toHaveLength(3);
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('may be compressed with %s', async (encoding, compress) => {
    const body = new Uint8Array(compress(JSON.stringify(Array(500).fill({ action: 'a' }))));
    expect(receiptsOf(await post(body, { ...json, 'content-encoding': encoding }))).toHaveLength(500);
    const lines = new Uint8Array(compress('{"action":"a"}\n'.repeat(500)));
    expect(
      receiptsOf(await post(lines, { ...ndjson, 'content-encoding': encoding.toUpperCase() })),
    ).toHaveLength(500);
  });

  it('may come without a content type, or with a character set', async () => {
    expect(receiptsOf(await post(new Uint8Array(Buffer.from('{"action":"a"}')), {}))).toHaveLength(1);
    expect(
      receiptsOf(await post('{"action":"a"}', { 'content-type': 'Application/JSON; charset=utf-8' })),
    ).toHaveLength(1);
  });

  it('may arrive byte by byte while others are served', async () => {
    const body = '[{"action":"slow"},{"action":"slow"}]';
    const answered = new Promise<string>((resolve) => {
      const { hostname, port } = new URL(server.url);
      const socket = connect(Number(port), hostname, async () => {
        socket.setNoDelay(true);
        socket.write(head(body.length));
        for (const char of body) {
          socket.write(char);
          await sleep(5);
        }
      });
      socket.once('data', (data: Buffer) => {
        socket.destroy();
        resolve(data.toString());
      });
    });
    await server.record({ action: 'fast' });
    expect(await answered).toContain('HTTP/1.1 201');
    expect(server.entries('main').slice(-2)).toMatchObject([{ action: 'slow' }, { action: 'slow' }]);
  });

  const head = (length: number, further = ''): string =>
    `POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${adminSecret}\r\ncontent-length: ${length}\r\n${further}\r\n`;

  it.each([
    ['JSON', head(1000), '{"action":"lost"}'],
    [
      'NDJSON',
      head(1000, 'content-type: application/x-ndjson\r\n'),
      '{"action":"lost"}\n{"action":"lost"}\n{"act',
    ],
    ['gzip', head(1000, 'content-encoding: gzip\r\n'), gzipSync('{"action":"lost"}').subarray(0, 20)],
  ])('of %s that is broken off leaves nothing behind', async (_name, start, part) => {
    const before = server.size();
    await new Promise<void>((resolve) => {
      const { hostname, port } = new URL(server.url);
      const socket = connect(Number(port), hostname, () => {
        socket.write(start);
        socket.write(part, () => setTimeout(() => socket.destroy(), 20));
      });
      socket.on('close', () => resolve());
      socket.on('error', () => {});
    });
    await server.record({ action: 'next' });
    expect(server.entries('main', before).map(({ action }) => action)).toEqual(['next']);
    expect(server.logs.filter((line) => line.includes('"level":50'))).toEqual([]);
  });

  it('that was refused does not stand in the way of the next request on its connection', async () => {
    const large = 'x'.repeat(300_000);
    const next = 'GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    const refusedFor = async (further: string, body: string): Promise<string> =>
      await server.raw(head(body.length, further), body, next);
    for (const [further, status] of [
      ['content-type: text/plain\r\n', '415'],
      ['content-encoding: br\r\n', '415'],
      ['content-encoding: gzip\r\n', '400'],
      ['', '400'],
    ] as const) {
      const answers = await refusedFor(further, large);
      expect(answers).toContain(`HTTP/1.1 ${status}`);
      expect(answers).toContain('{"status":"ok"}');
    }
  });
});

describe('a trail', () => {
  it('that is not there is not made by a token for all trails', async () => {
    const { secret } = await server.token({ role: 'ingest' });
    const before = server.size();
    const body = JSON.stringify([{ action: 'a' }, { action: 'b', trail: 'unheard' }]);
    const problem = problemOf(await post(body, json, '', secret));
    expect([problem.status, problem.code, problem.errors?.[0]]).toMatchObject([
      404,
      'trail_not_found',
      { position: 1, pointer: '/trail' },
    ]);
    expect(server.size()).toBe(before);
    const partial = await post(body, json, '?partial=true', secret);
    expect((JSON.parse(partial.text) as IngestResponse).receipts).toHaveLength(1);
    expect(server.engine.log.trail('unheard')).toBeUndefined();
  });

  it('is made by a token that names it, once', async () => {
    const { secret } = await server.token({ role: 'ingest', trails: ['named'] });
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => post('{"action":"a","trail":"named"}', json, '', secret)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(server.size('named')).toBe(8);
  });

  it('system is written by the server alone', async () => {
    const before = server.size('system');
    const problem = problemOf(await post('{"action":"a","trail":"system"}'));
    expect([problem.status, problem.code]).toEqual([403, 'forbidden']);
    expect(server.entries('system', before).map(({ action }) => action)).not.toContain('a');
  });
});

it('over capacity is answered with when to come again, and stores exactly what was acknowledged', async () => {
  await using small = await startServer({ maxQueuedBytes: 65_536 });
  const event = JSON.stringify({
    action: 'a',
    reason: 'x'.repeat(4000),
    metadata: { x: 'x'.repeat(30_000) },
  });
  const answers = await Promise.all(
    Array.from({ length: 60 }, () =>
      small.send('/v1/events', { method: 'POST', body: event, headers: json }),
    ),
  );
  const refused = answers.filter(({ status }) => status !== 201);
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) {
    expect([problemOf(answer).status, problemOf(answer).code]).toEqual([503, 'overloaded']);
    expect(answer.headers.get('retry-after')).toBe('1');
  }
  expect(small.size()).toBe(answers.length - refused.length);
  expect((await small.send('/v1/events', { method: 'POST', body: event, headers: json })).status).toBe(201);
});
