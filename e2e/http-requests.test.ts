import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminSecret, problemOf, startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let id: string;
beforeAll(async () => {
  server = await startServer();
  id = (await server.record({ action: 'a' })).receipts[0]!.id;
});
afterAll(() => server[Symbol.asyncDispose]());

describe('a method that is not allowed', () => {
  it.each([
    ['/v1/events', 'GET, HEAD, POST', ['PUT', 'PATCH', 'DELETE', 'OPTIONS']],
    ['/v1/events/stream', 'GET, HEAD', ['POST', 'DELETE']],
    ['/v1/events/x', 'GET, HEAD', ['POST', 'PUT', 'DELETE']],
    ['/v1/events/x/proof', 'GET, HEAD', ['POST']],
    ['/v1/stats', 'GET, HEAD', ['POST']],
    ['/v1/trails', 'GET, HEAD, POST', ['DELETE']],
    ['/v1/trails/main/producers', 'GET, HEAD', ['POST']],
    ['/v1/tokens', 'GET, HEAD, POST', ['PUT']],
    ['/v1/tokens/tok_x', 'DELETE', ['GET', 'POST']],
    ['/trails/main/checkpoint', 'GET, HEAD', ['POST']],
    ['/trails/main/tile/0/000', 'GET, HEAD', ['PUT']],
    ['/healthz', 'GET, HEAD', ['POST']],
    ['/metrics', 'GET, HEAD', ['POST']],
    ['/openapi.json', 'GET, HEAD', ['POST']],
  ])('at %s is answered with %s', async (path, allow, methods) => {
    for (const method of methods) {
      const answer = await server.send(path, { method });
      const problem = problemOf(answer);
      expect([problem.status, problem.code, answer.headers.get('allow')]).toEqual([
        405,
        'method_not_allowed',
        allow,
      ]);
    }
  });
});

describe('an address that is not there', () => {
  it.each([
    '/',
    '/v1',
    '/v1/event',
    '/v1/events/',
    '/trails/main',
    '/trails/main/tile',
    '/v1/../etc/passwd',
    '/%00',
  ])('such as %s is answered with not_found', async (path) => {
    expect(problemOf(await server.send(path)).code).toBe('not_found');
  });
});

describe('a parameter that is wrong', () => {
  it.each([
    ['/v1/events?limit=0', 'invalid_parameter'],
    ['/v1/events?limit=1001', 'invalid_parameter'],
    ['/v1/events?limit=ten', 'invalid_parameter'],
    ['/v1/events?limit=1e2', 'invalid_parameter'],
    ['/v1/events?limit=', 'invalid_parameter'],
    ['/v1/events?limit=5&limit=6', 'invalid_parameter'],
    ['/v1/events?colour=red', 'invalid_parameter'],
    ['/v1/events?__proto__=1', 'invalid_parameter'],
    ['/v1/events?constructor=1', 'invalid_parameter'],
    ['/v1/events?from=1', 'invalid_parameter'],
    ['/v1/events?after=-1', 'invalid_parameter'],
    ['/v1/events?after=999999999', 'invalid_parameter'],
    ['/v1/events?actor=a&actor=b', 'invalid_parameter'],
    ['/v1/events?cursor=zzz', 'invalid_cursor'],
    [`/v1/events?cursor=01${'0'.repeat(50)}`, 'invalid_cursor'],
    ['/v1/events?q=(', 'invalid_query'],
    ['/v1/events?q=actor:', 'invalid_query'],
    ['/v1/events?q=colour:red', 'invalid_query'],
    [`/v1/events?q=${'('.repeat(100)}`, 'invalid_query'],
    [`/v1/events?q=${'a '.repeat(2500)}`, 'invalid_query'],
    ['/v1/events?outcome=perhaps', 'invalid_query'],
    ['/v1/events?since=yesterday', 'invalid_query'],
    ['/v1/events?since=2026-02-30', 'invalid_query'],
    ['/v1/events?until=*', 'invalid_query'],
    ['/v1/events?ip=10.0.0.0/99', 'invalid_query'],
    ['/v1/events?trail=nowhere', 'trail_not_found'],
    ['/v1/events?trail=../main', 'trail_not_found'],
    ['/v1/stats?field=colour', 'invalid_parameter'],
    ['/v1/stats?field=id', 'invalid_parameter'],
    ['/v1/stats?interval=week', 'invalid_parameter'],
    ['/v1/stats?interval=constructor', 'invalid_parameter'],
    ['/v1/stats?cursor=x', 'invalid_parameter'],
    ['/v1/events/stream?limit=5', 'invalid_parameter'],
    ['/v1/events/stream?from=x', 'invalid_parameter'],
    ['/v1/events/not-a-uuid', 'invalid_parameter'],
    ['/v1/events/not-a-uuid/proof', 'invalid_parameter'],
    ['/v1/events/019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f', 'event_not_found'],
    ['/v1/events/019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f/proof', 'event_not_found'],
    ['/v1/events/019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f?q=x', 'invalid_parameter'],
    ['/trails/nowhere/checkpoint', 'trail_not_found'],
    ['/v1/trails/nowhere/producers', 'trail_not_found'],
  ])('as in %s is answered with %s', async (path, code) => {
    expect(problemOf(await server.send(path)).code).toBe(code);
  });

  it('is named', async () => {
    const { detail } = problemOf(await server.send('/v1/events?status=high'));
    expect(detail).toContain('status');
  });

  it('does not end up in an entry, a log line or a metric', async () => {
    const canary = 'Zq7Canary';
    await server.send(`/v1/events?q=${canary}&actor=${canary}`);
    await server.send(`/v1/events?${canary}=1`);
    await server.send(`/v1/events?metadata.${'x'.repeat(54)}%F0%9F%98%80=${canary}`);
    await server.send(`/${canary}`, { token: canary.repeat(3) });
    const everything = [
      JSON.stringify(server.entries('system')),
      server.logs.join(''),
      (await server.send('/metrics')).text,
    ];
    expect(everything.join('')).not.toContain(canary);
  });

  it('may hold half of a character where its name is cut', async () => {
    const { status } = await server.send(`/v1/events?metadata.${'x'.repeat(54)}%F0%9F%98%80=1`);
    expect(status).toBe(200);
  });
});

describe('a request that is no HTTP', () => {
  const get = (line: string, ...headers: string[]): string =>
    `${line}\r\n${['connection: close', ...headers].map((header) => `${header}\r\n`).join('')}\r\n`;

  it.each([
    ['nonsense', 'nonsense\r\n\r\n', 400, 'malformed_request'],
    ['no Host', get('GET /healthz HTTP/1.1'), 400, 'malformed_request'],
    ['no Host, in the old version', get('GET /healthz HTTP/1.0'), 400, 'malformed_request'],
    ['an empty Host', get('GET /healthz HTTP/1.1', 'host:'), 400, 'malformed_request'],
    ['a Host that is none', get('GET /healthz HTTP/1.1', 'host: a/b@c'), 400, 'malformed_request'],
    [
      'huge headers',
      get('GET /healthz HTTP/1.1', 'host: x', `x: ${'x'.repeat(20_000)}`),
      431,
      'headers_too_large',
    ],
    ['a huge address', get(`GET /${'x'.repeat(20_000)} HTTP/1.1`, 'host: x'), 431, 'headers_too_large'],
    ['an unknown method', get('BREW /healthz HTTP/1.1', 'host: x'), 400, 'malformed_request'],
    [
      'two lengths',
      get('POST /v1/events HTTP/1.1', 'host: x', 'content-length: 5', 'content-length: 6'),
      400,
      'malformed_request',
    ],
    [
      'a length and chunks',
      get('POST /v1/events HTTP/1.1', 'host: x', 'content-length: 5', 'transfer-encoding: chunked'),
      400,
      'malformed_request',
    ],
  ])('such as %s is refused', async (_name, text, status, code) => {
    const answer = await server.raw(text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('content-type: application/problem+json');
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({ status, code });
  });

  it('is refused where its chunks are none, and nothing of it is stored', async () => {
    const before = server.size();
    await server.raw(
      `POST /v1/events?partial=true HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${adminSecret}\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n`,
      '11\r\n{"action":"lost"}\r\nzz\r\n',
    );
    await server.record({ action: 'next' });
    expect(server.entries('main', before).map(({ action }) => action)).toEqual(['next']);
  });
});

describe('a body for a trail or a token', () => {
  const post = (
    path: string,
    body: NonNullable<RequestInit['body']>,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ) => server.send(path, { method: 'POST', body, headers, duplex: 'half' });

  it.each([
    ['no JSON', '{"name":', 400, 'malformed_json', undefined],
    ['nothing', '', 400, 'malformed_json', undefined],
    ['malformed JSON', '{"name":}', 400, 'malformed_json', ''],
    ['an array', '[]', 422, 'invalid_body', undefined],
    ['no name', '{"role":"read"}', 422, 'invalid_body', '/name'],
    ['an unknown role', '{"name":"x","role":"root"}', 422, 'invalid_body', '/role'],
    ['an unknown field', '{"name":"x","role":"read","sudo":1}', 422, 'invalid_body', '/sudo'],
    ['a role twice', '{"name":"x","role":"read","role":"admin"}', 400, 'duplicate_key', '/role'],
    ['a name that is no text', '{"name":"x\\ud800","role":"read"}', 422, 'invalid_body', '/name'],
    [
      'a tenant that is no text',
      '{"name":"x","role":"read","tenants":["\\udc00"]}',
      422,
      'invalid_body',
      '/tenants/0',
    ],
    [
      'a trail that cannot be',
      '{"name":"x","role":"read","trails":["NOT VALID/../"]}',
      422,
      'invalid_body',
      '/trails/0',
    ],
    [
      'the trail that only the server writes',
      '{"name":"x","role":"ingest","trails":["main","system"]}',
      422,
      'invalid_body',
      '/trails/1',
    ],
    [
      'a time that has gone by',
      '{"name":"x","role":"read","expiresAt":"2001-01-31T09:30:00Z"}',
      422,
      'invalid_body',
      '/expiresAt',
    ],
    ['no trails', '{"name":"x","role":"read","trails":[]}', 422, 'invalid_body', '/trails'],
    [
      'a time that is none',
      '{"name":"x","role":"read","expiresAt":"tomorrow"}',
      422,
      'invalid_body',
      '/expiresAt',
    ],
    ['more than 64 KiB', `{"name":"${'x'.repeat(70_000)}"}`, 413, 'body_too_large', undefined],
  ])('that holds %s is refused', async (_name, body, status, code, pointer) => {
    const before = server.engine.tokens.list().length;
    const problem = problemOf(await post('/v1/tokens', body));
    expect([problem.status, problem.code, problem.errors?.[0]?.pointer]).toEqual([status, code, pointer]);
    expect(server.engine.tokens.list()).toHaveLength(before);
  });

  it('that never ends is refused', async () => {
    const endless = ReadableStream.from(
      (function* () {
        for (let i = 0; i < 1000; i++) yield new Uint8Array(1024).fill(0x20);
      })(),
    ) as unknown as NonNullable<RequestInit['body']>;
    expect(problemOf(await post('/v1/trails', endless)).code).toBe('body_too_large');
    // The connection is still good.
    expect((await server.send('/healthz')).status).toBe(200);
  });

  it.each([
    [{}, 'unsupported_media_type'],
    [{ 'content-type': 'text/plain' }, 'unsupported_media_type'],
    [{ 'content-type': 'application/json', 'content-encoding': 'gzip' }, 'unsupported_media_type'],
  ])('with the headers %j is refused', async (headers, code) => {
    expect(
      problemOf(await post('/v1/trails', new Uint8Array(Buffer.from('{"name":"x"}')), headers)).code,
    ).toBe(code);
  });

  it('is not looked at without a token', async () => {
    for (const path of ['/v1/trails', '/v1/tokens']) {
      const answer = await server.send(path, {
        method: 'POST',
        body: 'x'.repeat(100_000),
        headers: { 'content-type': 'application/json' },
        token: null,
      });
      expect(problemOf(answer).code).toBe('unauthenticated');
    }
  });

  it.each(['Main', '..', 'a b', '', '../x', 'a'.repeat(65)])(
    'names no trail that is called %j',
    async (name) => {
      const problem = problemOf(await post('/v1/trails', JSON.stringify({ name })));
      expect([problem.code, problem.errors?.[0]?.pointer]).toEqual(['invalid_body', '/name']);
    },
  );

  it('makes a trail once', async () => {
    expect((await post('/v1/trails', '{"name":"once"}')).status).toBe(201);
    expect(problemOf(await post('/v1/trails', '{"name":"once"}')).code).toBe('trail_exists');
    expect(problemOf(await post('/v1/trails', '{"name":"a","name":"b"}')).code).toBe('duplicate_key');
    expect(problemOf(await post('/v1/trails', '{"name":"system"}')).code).toBe('trail_exists');
  });
});

describe('what metrics name a request after', () => {
  it.each([
    ['GET', '/v1/events/stream?from=x', '400', '/v1/events/stream'],
    ['GET', '/v1/events/x', '400', '/v1/events/:id'],
    ['GET', '/v1/events/x/proof', '400', '/v1/events/:id/proof'],
    ['GET', '/trails/main/tile/x', '404', '/trails/:trail/tile/*'],
    ['HEAD', '/v1/trails', '200', '/v1/trails'],
    ['DELETE', '/v1/tokens/tok_x', '404', '/v1/tokens/:id'],
    ['POST', '/v1/tokens', '415', '/v1/tokens'],
    ['PUT', '/v1/events/stream', '405', '/v1/events/stream'],
    ['PATCH', '/v1/events/x', '405', '/v1/events/:id'],
    ['GET', '/Zq7Canary', '404', 'none'],
    ['PUT', '/Zq7Canary/Zq7Canary', '404', 'none'],
  ])('is for %s %s, which is answered with %s, the route %s', async (method, path, status, route) => {
    const labels = `{method="${method}",route="${route}",status="${status}"}`;
    const count = async (): Promise<number> => {
      const { text } = await server.send('/metrics');
      const line = `sealtrail_http_request_duration_seconds_count${labels} `;
      return Number(
        text
          .split('\n')
          .find((one) => one.startsWith(line))
          ?.slice(line.length) ?? 0,
      );
    };
    const before = await count();
    expect(String((await server.send(path, { method })).status)).toBe(status);
    expect(await count()).toBe(before + 1);
  });
});

describe('HEAD', () => {
  it.each(['/healthz', '/readyz', '/v1/events', '/v1/trails', '/trails/main/checkpoint', '/openapi.json'])(
    'at %s is GET without a body',
    async (path) => {
      const answer = await server.send(path, { method: 'HEAD' });
      expect([answer.status, answer.text]).toEqual([200, '']);
    },
  );

  it('takes no slot of the streams', async () => {
    for (let i = 0; i < 70; i++)
      expect((await server.send('/v1/events/stream', { method: 'HEAD' })).status).toBe(200);
  });
});

it('every answer forbids what a browser might make of it', async () => {
  for (const path of ['/healthz', `/v1/events/${id}`, '/nowhere', '/v1/events?limit=x']) {
    const { headers } = await server.send(path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  }
});
