import { type CreatedToken, type NewToken, roles } from '@sealtrail/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ApiPaths } from './support/api-document.ts';
import { type Answer, problemOf, startServer, type TestServer } from './support/server.ts';

// What http-access.test.ts says of each route by a table is said here of whatever the API document names: a route that
// forgets to ask for a token, or for its scope, fails without anybody having thought of it.

const nowhere = '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f';
const values: Readonly<Record<string, string>> = {
  trail: 'main',
  id: nowhere,
  path: '0/000',
  name: 'okta',
};
const bodies: Readonly<Record<string, object>> = {
  'POST /v1/events': { action: 'a' },
  'POST /v1/sources/{name}': { eventType: 'user.session.start', published: '2026-03-01T08:00:00Z' },
  'POST /v1/trails': { name: 'further' },
  'POST /v1/tokens': { name: 'x', role: 'read' },
  'POST /v1/alerts/{id}': { action: 'note', note: 'x' },
  'POST /v1/silences': { match: { rule: 'r' }, owner: 'o', reason: 'r', endsAt: '2001-01-01T00:00:00Z' },
  'POST /v1/rules': { yaml: 'title: x' },
  'POST /v1/rules/validate': { yaml: 'title: x' },
  'PUT /v1/rules/{key}': { yaml: 'title: x' },
  'POST /v1/rules/{key}/disable': { reason: 'r' },
  'POST /v1/rules/{key}/backtest': { trail: 'main' },
  'POST /v1/detection/backfill': { since: '2026-01-01T00:00:00Z', until: '2026-01-02T00:00:00Z' },
  'POST /v1/channels': { name: 'x', target: { kind: 'stdout' } },
  'PUT /v1/channels/{id}': { name: 'x' },
  'POST /v1/channels/{id}/rotate': {},
  'POST /v1/channels/{id}/dead-letters/retry': {},
};

let server: TestServer;
let open: string[];
let closed: string[];
beforeAll(async () => {
  server = await startServer({ detection: true });
  // Detection answers once it has read its rules.
  await vi.waitFor(() => server.json('/v1/detection'), { timeout: 20_000 });
  await server.record([
    { action: 'a', tenant: 'acme' },
    { action: 'a', trail: 'other' },
  ]);
  await server.engine.log.publish('main');
  const { paths } = await server.json<ApiPaths>('/openapi.json');
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(
      ([method, { security }]) => [`${method.toUpperCase()} ${path}`, security?.length === 0] as const,
    ),
  );
  open = operations.filter(([, isOpen]) => isOpen).map(([name]) => name);
  closed = operations.filter(([, isOpen]) => !isOpen).map(([name]) => name);
});
afterAll(() => server[Symbol.asyncDispose]());

/** A token that is there without anybody having asked for it over HTTP. */
const stored = (wanted: Omit<NewToken, 'name'>): CreatedToken =>
  server.engine.tokens.add(server.engine.tokens.make({ name: 'x', ...wanted }));

/** Asks for an operation with values of our own; of a stream only the beginning is read. */
async function ask(operation: string, token: string | null): Promise<Answer> {
  const [method = '', path = ''] = operation.split(' ');
  const abort = new AbortController();
  const body = bodies[operation];
  const response = await fetch(
    `${server.url}${path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => values[name] ?? name)}`,
    {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: abort.signal,
    },
  );
  const { status, headers } = response;
  if (headers.get('content-type') !== 'text/event-stream')
    return { status, headers, text: await response.text() };
  abort.abort();
  return { status, headers, text: '' };
}

describe('every route of the API document', () => {
  it('that names no token is one of those that say nothing about anybody', () => {
    expect(open.sort()).toEqual(['GET /healthz', 'GET /openapi.json', 'GET /readyz']);
  });

  it('refuses who shows no token, or one that is none', async () => {
    for (const operation of closed)
      for (const token of [null, `stk_${'a'.repeat(52)}`])
        expect([operation, problemOf(await ask(operation, token)).code]).toEqual([
          operation,
          'unauthenticated',
        ]);
  });

  it('refuses some role, but for the metrics', async () => {
    for (const operation of closed) {
      const answers = await Promise.all(roles.map((role) => ask(operation, stored({ role }).secret)));
      const refused = roles.filter((_role, i) => answers[i]!.status === 403);
      expect([operation, refused.length > 0]).toEqual([operation, operation !== 'GET /metrics']);
      expect(refused).not.toContain('admin');
    }
  });

  it.each([
    ['another trail', { trails: ['elsewhere'] }],
    ['another trail and tenant', { trails: ['elsewhere'], tenants: ['nobody'] }],
  ])('shows a token of %s nothing, whatever its role', async (_name, scope) => {
    for (const role of roles) {
      const token = stored({ role, ...scope });
      for (const operation of closed) {
        const answer = await ask(operation, token.secret);
        if (answer.status >= 400) {
          const isNotThere = operation in notThere && problemOf(answer).code !== 'forbidden';
          expect([operation, problemOf(answer).code]).toEqual([
            operation,
            isNotThere ? notThere[operation] : 'forbidden',
          ]);
          continue;
        }
        // A stream is there, and nothing comes on it.
        if (operation === 'GET /v1/alerts/stream') continue;
        const {
          trails = [],
          tokens = [],
          alerts = [],
          total = 0,
        } = JSON.parse(answer.text) as {
          trails?: object[];
          tokens?: CreatedToken[];
          alerts?: object[];
          total?: number;
        };
        expect([operation, trails, alerts, total]).toEqual([
          expect.stringMatching(/^GET \/v1\/(?:trails|tokens|alerts|alerts\/stats)$/),
          [],
          [],
          0,
        ]);
        for (const { trails: own } of tokens) expect(own).toEqual(['elsewhere']);
      }
    }
  });

  it('shows a token of another tenant nothing but the form of the log', async () => {
    for (const role of roles) {
      const { secret } = stored({ role, tenants: ['nobody'] });
      for (const operation of closed) {
        const { status, text } = await ask(operation, secret);
        expect([operation, text.includes('acme')]).toEqual([operation, false]);
        if (status < 300) expect(seenByAnyTenant).toContain(operation);
      }
    }
  });
});

/** What is out of reach is not there. */
const notThere: Readonly<Record<string, string>> = {
  'DELETE /v1/tokens/{id}': 'token_not_found',
  'GET /v1/alerts/{id}': 'alert_not_found',
  'POST /v1/alerts/{id}': 'alert_not_found',
};

/** What is not refused to a token for its tenants: cut to them, or without any content of an entry. */
const seenByAnyTenant = [
  'POST /v1/events',
  'POST /v1/sources/{name}',
  'GET /v1/events',
  'GET /v1/events/stream',
  'GET /v1/stats',
  'GET /v1/trails',
  'GET /v1/tokens',
  'GET /v1/alerts',
  'GET /v1/alerts/stats',
  'GET /v1/alerts/stream',
  'GET /trails/{trail}/checkpoint',
  'GET /trails/{trail}/tile/{path}',
];

describe('a token that is limited to a trail', () => {
  const requests: readonly (readonly [string, (trail: string) => readonly [path: string, body?: object]])[] =
    [
      ['search', (trail) => [`/v1/events?trail=${trail}`]],
      ['counts', (trail) => [`/v1/stats?trail=${trail}`]],
      ['a stream', (trail) => [`/v1/events/stream?trail=${trail}`]],
      ['an event', (trail) => [`/v1/events/${nowhere}?trail=${trail}`]],
      ['a proof', (trail) => [`/v1/events/${nowhere}/proof?trail=${trail}`]],
      ['an index to wait for', (trail) => [`/v1/events?trail=${trail}&after=0`]],
      ['a checkpoint', (trail) => [`/trails/${trail}/checkpoint`]],
      ['a tile', (trail) => [`/trails/${trail}/tile/0/000.p/1`]],
      ['a tile that cannot be', (trail) => [`/trails/${trail}/tile/x`]],
      ['a bundle', (trail) => [`/trails/${trail}/tile/entries/000.p/1`]],
      ['producers', (trail) => [`/v1/trails/${trail}/producers`]],
      ['an event to store', (trail) => ['/v1/events', { action: 'a', trail }]],
      ['some events to store', (trail) => ['/v1/events?partial=true', [{ action: 'a', trail }]]],
      [
        'records to import',
        (trail) => [
          `/v1/sources/okta?trail=${trail}`,
          { eventType: 'user.session.start', published: '2026-03-01T08:00:00Z' },
        ],
      ],
      ['a trail to make', (trail) => ['/v1/trails', { name: trail }]],
      ['a token to make', (trail) => ['/v1/tokens', { name: 'x', role: 'read', trails: [trail] }]],
    ];

  it.each(requests)('is not told by %s which others there are', async (_name, requestOf) => {
    for (const role of roles) {
      const { secret } = stored({ role, trails: ['main'] });
      const answerOf = async (trail: string): Promise<readonly unknown[]> => {
        const [path, body] = requestOf(trail);
        const { status, headers, text } = await server.send(path, {
          token: secret,
          ...(body && {
            method: 'POST',
            body: JSON.stringify(body),
            headers: { 'content-type': 'application/json' },
          }),
        });
        return [status, [...headers.keys()].sort(), text];
      };
      const [there, notThere] = [await answerOf('other'), await answerOf('others')];
      expect(there[0]).toBe(403);
      expect(there).toEqual(notThere);
    }
  });
});
