import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Alert,
  type AlertPage,
  type Channel,
  type CreatedToken,
  type DeadLetter,
  type Event,
  type IngestResponse,
  SealtrailError,
  type Silence,
} from '@sealtrail/core';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
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
let alert: Alert;
let silence: Silence;
let channel: Channel;
let lines: Channel;
let dead: { readonly deadLetters: readonly DeadLetter[] };
/** Takes nothing: what is sent there is given up. */
const refusing = createServer((_request, response) => response.writeHead(400).end());
const webhook = () => {
  const { port } = refusing.address() as AddressInfo;
  return { name: 'hook', target: { kind: 'webhook', url: `http://127.0.0.1:${port}/` } };
};
const newSilence = {
  match: { rule: 'vault.open', entity: { 'actor.id': 'u_1' } },
  owner: 'security',
  reason: 'a test',
  endsAt: new Date(Date.now() + 3_600_000).toISOString(),
};

/** A rule that can be enabled. */
const rule = (name: string): { readonly yaml: string } => ({
  yaml: `
title: ${name}
name: ${name}
level: high
logsource: {product: sealtrail}
detection: {selection: {action: ${name}}, condition: selection}
sealtrail:
  tests:
    - {name: it, match: true, event: {action: ${name}}}
    - {name: another, match: false, event: {action: other}}
`,
});

beforeAll(async () => {
  server = await startServer({ detection: true, allowedTargets: ['127.0.0.1'] });
  document = new ApiDocument(await server.json<ApiPaths>('/openapi.json'));
  stored = await server.record([
    fullEvent,
    { action: 'user.login', source: { ip: '10.0.0.1' }, producer: { id: 'p', seq: 1 } },
  ]);
  await server.engine.log.publish('main');
  toRevoke = await server.token({ role: 'read', trails: ['main'], expiresAt: '2099-01-31T09:30:00+01:00' });
  limited = await server.token({ role: 'read', trails: ['main'], tenants: ['acme'] });
  await new Promise<void>((resolve) => void refusing.listen(0, '127.0.0.1', resolve));
  const made = await send(post('/v1/channels', webhook(), 201));
  channel = JSON.parse(made.text) as Channel;
  await send(post('/v1/rules', rule('vault.open'), 201));
  await send(post('/v1/rules/{key}/enable', {}, 200, { path: '/v1/rules/vault.open/enable' }));
  await server.record({ action: 'vault.open', actor: { type: 'user', id: 'u_1' } });
  [alert] = await vi.waitFor(async () => {
    const { alerts } = await server.json<AlertPage>('/v1/alerts?rule=vault.open');
    expect(alerts).toHaveLength(1);
    return alerts as [Alert];
  });
  await makeLines();
  dead = await vi.waitFor(async () => {
    const letters = await server.json<typeof dead>(`/v1/channels/${channel.id}/dead-letters`);
    expect(letters.deadLetters).not.toEqual([]);
    return letters;
  });
  const answer = await send(post('/v1/silences', newSilence, 201));
  silence = JSON.parse(answer.text) as Silence;
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  refusing.close();
});

/** A channel to remove. */
async function makeLines(): Promise<void> {
  lines = JSON.parse((await send(post('/v1/channels', newChannel, 201))).text) as Channel;
}

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
/** A request about a rule, by what comes behind its key. */
const ofRule = (method: string, path: string, key: string, status: number, body?: unknown): Case => ({
  operation: `${method} ${path}`,
  path: path.replace('{key}', key),
  status,
  body,
});
const actOn = (body: unknown, status: number, id = (): string => alert.id): Case =>
  post('/v1/alerts/{id}', body, status, { path: () => `/v1/alerts/${id()}` });
const onChannel = (
  method: string,
  path: string,
  status: number,
  body?: unknown,
  id = (): string => channel.id,
): Case => ({
  operation: `${method} ${path}`,
  path: () => path.replace('{id}', id()),
  status,
  body,
});
/** Removes the first dead letter. */
const discard = (status: number): Case => ({
  operation: 'DELETE /v1/channels/{id}/dead-letters/{letter}',
  path: () => `/v1/channels/${channel.id}/dead-letters/${dead.deadLetters[0]!.id}`,
  status,
});
const lastDays = { since: '2026-01-01T00:00:00Z', until: '2026-01-02T00:00:00Z' };
const newChannel = { name: 'lines', target: { kind: 'stdout' }, filter: { minLevel: 'critical' } };
const builtIn = 'mfa_removed';
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
  imported('okta', '{"eventType":"user.session.start","uuid":"u_1","published":"2026-03-01T08:00:00Z"}', 201),
  imported(
    'okta',
    '[{"eventType":"user.session.start","uuid":"u_1","published":"2026-03-01T08:00:00Z"},{"x":1}]',
    200,
  ),
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
  get('/v1/alerts', '/v1/alerts'),
  get('/v1/alerts', '/v1/alerts?status=open,resolved&minLevel=low&trail=main&since=1h&limit=1'),
  get('/v1/alerts', '/v1/alerts?status=x', 400),
  get('/v1/alerts', '/v1/alerts?cursor=x', 400),
  get('/v1/alerts', '/v1/alerts?trail=nowhere', 404),
  get('/v1/alerts', '/v1/alerts', 403, ofLimited),
  get('/v1/alerts/stats', '/v1/alerts/stats'),
  get('/v1/alerts/stats', '/v1/alerts/stats?since=yesterday', 400),
  get('/v1/alerts/stream', '/v1/alerts/stream?minLevel=x', 400),
  get('/v1/alerts/{id}', () => `/v1/alerts/${alert.id}`),
  get('/v1/alerts/{id}', '/v1/alerts/alr_x', 404),
  actOn({ action: 'acknowledge', note: 'on it' }, 200),
  actOn({ action: 'acknowledge' }, 409),
  actOn({ action: 'assign', assignee: 'u_7' }, 200),
  actOn({ action: 'resolve' }, 422),
  actOn({ action: 'resolve', disposition: 'benign' }, 200),
  actOn({ action: 'note', note: 'x' }, 404, () => 'alr_x'),
  get('/v1/silences', '/v1/silences'),
  post('/v1/silences', newSilence, 201),
  post('/v1/silences', { ...newSilence, match: {} }, 422),
  post('/v1/silences', { ...newSilence, endsAt: '2001-01-31T09:30:00Z' }, 422),
  { operation: 'DELETE /v1/silences/{id}', path: () => `/v1/silences/${silence.id}`, status: 200 },
  { operation: 'DELETE /v1/silences/{id}', path: '/v1/silences/sil_x', status: 404 },
  get('/v1/detection', '/v1/detection'),
  post('/v1/detection/backfill', lastDays, 200),
  post('/v1/detection/backfill', { ...lastDays, trail: 'nowhere' }, 404),
  post('/v1/detection/backfill', { since: lastDays.until, until: lastDays.since }, 422),
  get('/v1/rules', '/v1/rules'),
  get('/v1/rules/{key}', `/v1/rules/${builtIn}`),
  get('/v1/rules/{key}', '/v1/rules/nowhere', 404),
  post('/v1/rules', rule('door.open'), 201),
  post('/v1/rules', rule('door.open'), 422),
  post('/v1/rules', { yaml: 'title: x' }, 422),
  post('/v1/rules', { yaml: '' }, 422),
  post('/v1/rules/validate', { yaml: 'title: [' }, 200),
  ofRule('PUT', '/v1/rules/{key}', 'door.open', 200, rule('door.open')),
  ofRule('PUT', '/v1/rules/{key}', 'door.open', 422, rule('other')),
  ofRule('PUT', '/v1/rules/{key}', builtIn, 409, rule('other')),
  ofRule('POST', '/v1/rules/{key}/enable', 'door.open', 200),
  ofRule('POST', '/v1/rules/{key}/disable', 'door.open', 200, { reason: 'noise' }),
  ofRule('POST', '/v1/rules/{key}/disable', 'nowhere', 404, { reason: 'noise' }),
  ofRule('POST', '/v1/rules/{key}/backtest', 'door.open', 200, { trail: 'main' }),
  ofRule('POST', '/v1/rules/{key}/backtest', 'door.open', 404, { trail: 'nowhere' }),
  ofRule('DELETE', '/v1/rules/{key}', 'door.open', 200),
  ofRule('DELETE', '/v1/rules/{key}', builtIn, 409),
  get('/v1/channels', '/v1/channels'),
  get('/v1/channels', '/v1/channels', 403, ofLimited),
  post('/v1/channels', newChannel, 201),
  post('/v1/channels', { ...newChannel, target: { kind: 'pigeon' } }, 422),
  post('/v1/channels', { ...newChannel, target: { kind: 'webhook', url: 'http://10.0.0.1/' } }, 422),
  onChannel('GET', '/v1/channels/{id}', 200),
  onChannel('GET', '/v1/channels/{id}', 404, undefined, () => 'chn_x'),
  onChannel('PUT', '/v1/channels/{id}', 200, { name: 'other' }),
  onChannel('PUT', '/v1/channels/{id}', 404, { name: 'other' }, () => 'chn_x'),
  onChannel('POST', '/v1/channels/{id}/test', 200),
  onChannel('POST', '/v1/channels/{id}/rotate', 200, {}),
  onChannel('GET', '/v1/channels/{id}/dead-letters', 200),
  discard(200),
  onChannel('DELETE', '/v1/channels/{id}/dead-letters', 200),
  discard(404),
  onChannel('POST', '/v1/channels/{id}/dead-letters/retry', 200, {}),
  onChannel('DELETE', '/v1/channels/{id}', 204, undefined, () => lines.id),

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
    // Streams have no end to read to; their events are looked at below.
    const documented = [...document.operations.keys()].filter((name) => !name.endsWith('/stream'));
    expect([...new Set(met)].sort()).toEqual(documented.sort());
  });

  it('describes the events of a stream as those of a page', async () => {
    await using stream = await followStream(server, '/v1/events/stream?from=0', adminSecret);
    for (const { data } of await stream.take(2))
      expect(document.faultsIn('StoredEntry', JSON.parse(data))).toEqual([]);
  });

  it('describes the events of a stream of alerts as those of a page', async () => {
    await using stream = await followStream(server, '/v1/alerts/stream?from=0', adminSecret);
    for (const { data } of await stream.take(1))
      expect(document.faultsIn('Alert', JSON.parse(data))).toEqual([]);
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
  beforeEach(makeLines);
  const recording = [
    post('/v1/events', { action: 'a' }, 503),
    get('/v1/events', '/v1/events', 503),
    get('/v1/stats', '/v1/stats', 503),
    get('/v1/events/stream', '/v1/events/stream', 503),
    get('/v1/events/{id}', () => `/v1/events/${first()}`, 503),
    get('/v1/events/{id}/proof', () => `/v1/events/${first()}/proof`, 503),
    imported('okta', '{"eventType":"user.session.start","published":"2026-03-01T08:00:00Z"}', 503),
    get(deadLetters, '/v1/sources/okta/dead-letters', 503),
    { operation: `DELETE ${deadLetters}`, path: '/v1/sources/okta/dead-letters', status: 503 },
    post('/v1/trails', { name: 'unrecorded' }, 503),
    post('/v1/tokens', { name: 'unrecorded', role: 'read' }, 503),
    revoke(() => limited.id, 503),
    get('/v1/alerts', '/v1/alerts', 503),
    get('/v1/alerts/stream', '/v1/alerts/stream', 503),
    get('/v1/alerts/{id}', () => `/v1/alerts/${alert.id}`, 503),
    actOn({ action: 'note', note: 'x' }, 503),
    post('/v1/silences', newSilence, 503),
    { operation: 'DELETE /v1/silences/{id}', path: () => `/v1/silences/${silence.id}`, status: 503 },
    post('/v1/rules', rule('gate.open'), 503),
    ofRule('PUT', '/v1/rules/{key}', 'vault.open', 503, rule('vault.open')),
    ofRule('DELETE', '/v1/rules/{key}', 'gate.open', 503),
    ofRule('POST', '/v1/rules/{key}/enable', builtIn, 503),
    ofRule('POST', '/v1/rules/{key}/disable', builtIn, 503, { reason: 'noise' }),
    ofRule('POST', '/v1/rules/{key}/backtest', builtIn, 503, { trail: 'main' }),
    post('/v1/detection/backfill', lastDays, 503),
    post('/v1/channels', newChannel, 503),
    onChannel('PUT', '/v1/channels/{id}', 503, { name: 'other' }),
    onChannel('DELETE', '/v1/channels/{id}', 503, undefined, () => lines.id),
    onChannel('POST', '/v1/channels/{id}/test', 503),
    onChannel('POST', '/v1/channels/{id}/rotate', 503, {}),
    onChannel('POST', '/v1/channels/{id}/dead-letters/retry', 503, {}),
    onChannel('DELETE', '/v1/channels/{id}/dead-letters', 503),
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
      .filter(([, { responses }]) =>
        ['overloaded', 'storage_unavailable'].every((code) => responses['503']?.description.includes(code)),
      )
      .map(([name]) => name)
      // It removes one of what the route above it removes.
      .filter((name) => !name.endsWith('/{letter}'));
    expect(recording.map(({ operation }) => operation).sort()).toEqual(documented.sort());
  });
});
