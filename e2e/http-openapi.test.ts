import { type CreatedToken, type Event, type IngestResponse, SealtrailError } from '@sealtrail/core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyEvent } from '../packages/core/src/event/testing/any-event.ts';
import { ApiDocument, type ApiPaths } from './support/api-document.ts';
import { followStream } from './support/event-stream.ts';
import { type Answer, adminSecret, problemOf, startServer, type TestServer } from './support/server.ts';

const nowhere = '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f';

/** An event with every field there is. */
const fullEvent = {
  id: '019370A2-7C1E-7B3A-9F5E-2C8D4A6B1E10',
  time: '2026-01-31T10:30:00.123456+01:00',
  trail: 'main',
  tenant: 'acme',
  action: 'invoice.refund',
  category: 'data_change',
  outcome: 'denied',
  reason: 'not allowed',
  severity: 'high',
  actor: {
    type: 'user',
    id: 'u_1',
    name: 'Ann',
    email: 'ann@example.com',
    sessionId: 's',
    onBehalfOf: 'u_2',
  },
  targets: [{ type: 'invoice', id: 'i_1', name: 'Invoice 1' }],
  source: { ip: '2001:db8::1', port: 443, userAgent: 'curl' },
  context: {
    service: 'billing',
    environment: 'prod',
    requestId: 'r',
    traceId: 't',
    spanId: 's',
    http: { method: 'POST', route: '/invoices/:id', path: '/invoices/1', status: 403, durationMs: 1.5 },
  },
  changes: [{ field: 'state', before: null, after: { is: ['paid', 1, true] } }],
  metadata: { plan: 'gold', nested: { list: [1, 2.5, null] } },
  producer: { id: 'p', seq: 3 },
  schemaVersion: 1,
};

let server: TestServer;
let document: ApiDocument;
let stored: IngestResponse;
let toRevoke: CreatedToken;
let limited: CreatedToken;
beforeAll(async () => {
  server = await startServer();
  document = new ApiDocument(await server.json<ApiPaths>('/openapi.json'));
  stored = await server.record([
    fullEvent,
    { action: 'user.login', source: { ip: '10.0.0.1' }, producer: { id: 'p', seq: 1 } },
  ]);
  await server.engine.log.publish('main');
  toRevoke = await server.token({ role: 'read', trails: ['main'], expiresAt: '2099-01-31T09:30:00+01:00' });
  limited = await server.token({ role: 'read', trails: ['main'], tenants: ['acme'] });
});
afterAll(() => server[Symbol.asyncDispose]());

interface Case {
  readonly operation: string;
  readonly path: string | (() => string);
  readonly status: number;
  readonly body?: unknown;
  readonly type?: string;
  readonly token?: null | (() => string);
}

/** JSON Schema counts characters; the server counts UTF-16 code units, of which some characters have two. */
const hasLongEmail = ({ actor }: Event): boolean =>
  actor?.email === undefined || [...actor.email].length >= 3;

const get = (path: string, at: Case['path'], status = 200, token?: Case['token']): Case => ({
  operation: `GET ${path}`,
  path: at,
  status,
  ...(token !== undefined && { token }),
});
const post = (path: string, body: unknown, status: number, further: Partial<Case> = {}): Case => ({
  operation: `POST ${path}`,
  path,
  body,
  status,
  ...further,
});
const revoke = (id: () => string, status: number): Case => ({
  operation: 'DELETE /v1/tokens/{id}',
  path: () => `/v1/tokens/${id()}`,
  status,
});
const first = (): string => stored.receipts[0]!.id;
const ofLimited = (): string => limited.secret;

const deadLetters = '/v1/sources/{name}/dead-letters';
const imported = (name: string, body: string, status: number, further: Partial<Case> = {}): Case => ({
  operation: 'POST /v1/sources/{name}',
  path: `/v1/sources/${name}`,
  body,
  status,
  ...further,
});

const cases: readonly Case[] = [
  post('/v1/events', { action: 'a' }, 201),
  post('/v1/events', [{ action: 'a' }, fullEvent], 201),
  post('/v1/events', [{ action: 'a' }, { action: '' }], 201, { path: '/v1/events?partial=true' }),
  post('/v1/events', [{ action: '' }, { action: 'a', actor: { type: 'x' }, y: 1 }], 422),
  post('/v1/events', { action: 'other', id: fullEvent.id }, 409),
  post('/v1/events', { action: 'a', trail: 'system' }, 403),
  post('/v1/events', '{"action":', 400),
  post('/v1/events', '{}', 415, { type: 'text/plain' }),
  post('/v1/events', { action: 'a' }, 401, { token: null }),
  post('/v1/events', { action: 'a', trail: 'nowhere' }, 403, { token: ofLimited }),
  get('/v1/events', '/v1/events?after=1'),
  get('/v1/events', '/v1/events?limit=1'),
  get('/v1/events', '/v1/events?trail=system'),
  get('/v1/events', '/v1/events?limit=x', 400),
  get('/v1/events', '/v1/events?q=(', 400),
  get('/v1/events', '/v1/events?trail=nowhere', 404),
  get('/v1/events', '/v1/events?trail=system', 403, ofLimited),
  get('/v1/events', '/v1/events', 401, null),
  get('/v1/stats', '/v1/stats'),
  get('/v1/stats', '/v1/stats?field=actor.id&interval=hour&limit=1'),
  get('/v1/stats', '/v1/stats?interval=x', 400),
  get('/v1/events/{id}', () => `/v1/events/${first()}`),
  get('/v1/events/{id}', `/v1/events/${nowhere}`, 404),
  get('/v1/events/{id}', '/v1/events/x', 400),
  get('/v1/events/{id}/proof', () => `/v1/events/${first()}/proof`),
  get('/v1/events/{id}/proof', `/v1/events/${nowhere}/proof`, 404),
  get('/v1/events/stream', '/v1/events/stream?limit=1', 400),
  imported('okta', '{"eventType":"user.session.start","uuid":"u_1"}', 201),
  imported('okta', '[{"eventType":"user.session.start","uuid":"u_1"},{"x":1}]', 200),
  imported('nginx', 'no line of an access log', 200, { type: 'text/plain' }),
  imported('syslog', '{"line":"Feb 12 14:10:21 h sshd[1]: Server listening."}', 201, {
    type: 'application/x-ndjson',
  }),
  imported('okta?trail=system', '{}', 403),
  imported('okta?trail=..', '{}', 400),
  imported('okta?at=noon', '{}', 400),
  imported('syslog', '{}', 415),
  imported('nothing', '{}', 404),
  imported('okta', '{}', 401, { token: null }),
  get(deadLetters, '/v1/sources/okta/dead-letters'),
  get(deadLetters, '/v1/sources/okta/dead-letters?limit=1'),
  get(deadLetters, '/v1/sources/okta/dead-letters?after=x', 400),
  get(deadLetters, '/v1/sources/nothing/dead-letters', 404),
  get(deadLetters, '/v1/sources/okta/dead-letters', 403, ofLimited),
  { operation: `DELETE ${deadLetters}`, path: '/v1/sources/okta/dead-letters?through=1', status: 200 },
  { operation: `DELETE ${deadLetters}`, path: '/v1/sources/nothing/dead-letters', status: 404 },
  get('/v1/trails', '/v1/trails'),
  post('/v1/trails', { name: 'made' }, 201),
  post('/v1/trails', { name: 'main' }, 409),
  post('/v1/trails', { name: '..' }, 422),
  post('/v1/trails', '{"name"}', 400),
  get('/v1/trails/{trail}/producers', '/v1/trails/main/producers'),
  get('/v1/trails/{trail}/producers', '/v1/trails/nowhere/producers', 404),
  get('/v1/tokens', '/v1/tokens'),
  get('/v1/tokens', '/v1/tokens', 403, ofLimited),
  post('/v1/tokens', { name: 'x', role: 'read' }, 201),
  post('/v1/tokens', { name: 'x', role: 'root', further: 1 }, 422),
  post('/v1/tokens', { name: 'x'.repeat(70_000) }, 413),
  revoke(() => toRevoke.id, 200),
  revoke(() => 'tok_x', 404),
  get('/trails/{trail}/checkpoint', '/trails/main/checkpoint'),
  get('/trails/{trail}/checkpoint', '/trails/nowhere/checkpoint', 404),
  get('/trails/{trail}/tile/{path}', '/trails/main/tile/0/000.p/2'),
  get('/trails/{trail}/tile/{path}', '/trails/main/tile/entries/000.p/2'),
  get('/trails/{trail}/tile/{path}', '/trails/main/tile/5/000', 404),
  get('/metrics', '/metrics'),
  get('/healthz', '/healthz'),
  get('/readyz', '/readyz'),
  get('/openapi.json', '/openapi.json'),
];

const send = ({ operation, path, body, type = 'application/json', token }: Case): Promise<Answer> =>
  server.send(typeof path === 'string' ? path : path(), {
    method: operation.split(' ', 1)[0]!,
    ...(body !== undefined && {
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': type },
    }),
    ...(token !== undefined && { token: token === null ? null : token() }),
  });

describe('the API document', () => {
  it('tells of every answer what is in it', async () => {
    for (const one of cases) {
      const answer = await send(one);
      expect([one.operation, answer.status, answer.text]).toEqual([one.operation, one.status, answer.text]);
      expect(document.faultsOf(one.operation, answer)).toEqual([]);
    }
  });

  it('is held against an answer of every operation', () => {
    const met = cases.filter(({ status }) => status < 300).map(({ operation }) => operation);
    // A stream has no end to read to; its events are looked at below.
    const documented = [...document.operations.keys()].filter((name) => name !== 'GET /v1/events/stream');
    expect([...new Set(met)].sort()).toEqual(documented.sort());
  });

  it('describes the events of a stream as those of a page', async () => {
    await using stream = await followStream(server, '/v1/events/stream?from=0', adminSecret);
    for (const { data } of await stream.take(2))
      expect(document.faultsIn('StoredEntry', JSON.parse(data))).toEqual([]);
  });

  it('takes every event that the server takes', () => {
    fc.assert(
      fc.property(anyEvent().filter(hasLongEmail), (event) => {
        expect(document.faultsIn('Event', event)).toEqual([]);
      }),
    );
  });

  it('refuses what is of another form', () => {
    const receipt = stored.receipts[0]!;
    expect(document.faultsIn('Receipt', receipt)).toEqual([]);
    const { leafHash, ...short } = receipt;
    for (const other of [
      short,
      { ...receipt, id: 'x' },
      { ...receipt, index: -1 },
      { ...receipt, leafHash, x: 1 },
    ])
      expect(document.faultsIn('Receipt', other)).not.toEqual([]);
    expect(document.faultsIn('Event', { action: 'a', id: `${nowhere}/i` })).not.toEqual([]);
  });
});

describe('while nothing can be recorded', () => {
  const recording = [
    post('/v1/events', { action: 'a' }, 503),
    get('/v1/events', '/v1/events', 503),
    get('/v1/stats', '/v1/stats', 503),
    get('/v1/events/stream', '/v1/events/stream', 503),
    get('/v1/events/{id}', () => `/v1/events/${first()}`, 503),
    get('/v1/events/{id}/proof', () => `/v1/events/${first()}/proof`, 503),
    imported('okta', '{"eventType":"user.session.start"}', 503),
    get(deadLetters, '/v1/sources/okta/dead-letters', 503),
    { operation: `DELETE ${deadLetters}`, path: '/v1/sources/okta/dead-letters', status: 503 },
    post('/v1/trails', { name: 'unrecorded' }, 503),
    post('/v1/tokens', { name: 'unrecorded', role: 'read' }, 503),
    revoke(() => limited.id, 503),
  ];

  it.each(['overloaded', 'storage_unavailable', 'shutting_down'] as const)(
    'because of %s, every route that records says so, as the document does',
    async (code) => {
      const { log } = server.engine;
      const { append, createTrail } = log;
      log.append = () => Promise.reject(new SealtrailError(code));
      log.createTrail = () => Promise.reject(new SealtrailError(code));
      try {
        for (const one of recording) {
          const before = server.logs.length;
          const answer = await send(one);
          expect([one.operation, problemOf(answer).code]).toEqual([one.operation, code]);
          expect(document.faultsOf(one.operation, answer)).toEqual([]);
          expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
          const route = one.operation.replace(/^\w+ /, '').replaceAll(/\{(\w+)\}/g, ':$1');
          const lines = server.logs.slice(before).map((line) => JSON.parse(line) as Record<string, unknown>);
          // What protects the server is no failure of it.
          const msg = code === 'storage_unavailable' ? 'request failed' : 'request refused';
          expect(lines).toContainEqual(expect.objectContaining({ code, route, msg }));
        }
      } finally {
        log.append = append;
        log.createTrail = createTrail;
      }
    },
  );

  it('no other route is in need of it', () => {
    const documented = [...document.operations]
      .filter(([, { responses }]) => responses['503']?.description.includes('overloaded'))
      .map(([name]) => name);
    expect(recording.map(({ operation }) => operation).sort()).toEqual(documented.sort());
  });
});
