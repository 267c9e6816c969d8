import type { AlertPage, CreatedToken, NewToken, Role, Silence } from '@sealtrail/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { adminSecret, problemOf, startServer, type TestServer } from './support/server.ts';

const roles: readonly Role[] = ['ingest', 'read', 'analyst', 'auditor', 'admin'];
const readers: readonly Role[] = ['read', 'analyst', 'auditor', 'admin'];
const supervisors: readonly Role[] = ['auditor', 'admin'];
const admins: readonly Role[] = ['admin'];
const watchers: readonly Role[] = ['analyst', 'auditor', 'admin'];
const engineers: readonly Role[] = ['analyst', 'admin'];
const soon = new Date(Date.now() + 3_600_000).toISOString();
const builtIn = 'mfa_removed';

/** A rule that finds events of an action. */
const ruleOf = (action: string): string => `
title: ${action}
name: ${action}
level: high
logsource: {product: sealtrail}
detection: {selection: {action: ${action}}, condition: selection}
sealtrail:
  tests:
    - {name: it, match: true, event: {action: ${action}}}
    - {name: another, match: false, event: {action: other}}
`;

/** What is there before anybody asks. */
interface World {
  /** Ids of events of two tenants in the trail main. */
  readonly acme: string;
  readonly globex: string;
  readonly width: number;
  /** Number of the case: for names that must not be there yet. */
  readonly n: number;
  /** A token within main and acme, to be revoked. */
  readonly token: string;
  /** An alert about acme in the trail main, and a silence. */
  readonly alert: string;
  readonly silence: string;
}

interface Route {
  /** Method and address as the API document names them. */
  readonly route: string;
  readonly path: (world: World) => string;
  readonly body?: (world: World) => object;
  /** Who may; absent: everybody, without a token too. */
  readonly roles?: readonly Role[];
  readonly trail?: string;
  readonly tenant?: string;
  /** Holds, or is to hold, entries of all tenants, which cannot be taken apart. */
  readonly wholeTrail?: true;
  readonly ok: number;
  /** About the whole server: for tokens without any limit. */
  readonly wholeServer?: true;
  /** Instead of 403 where the scope falls short: what is out of reach is not there. */
  readonly hidden?: true;
  /** As `hidden`, where the trail is out of reach. */
  readonly isHiddenTrail?: true;
}

const routes: readonly Route[] = [
  ...['acme', 'globex'].map((tenant) => ({
    route: 'post /v1/events',
    path: () => '/v1/events',
    body: () => ({ action: 'a', tenant }),
    roles: ['ingest', 'admin'] as const,
    trail: 'main',
    tenant,
    ok: 201,
  })),
  ...(['main', 'system'] as const).flatMap((trail) => {
    const common = { roles: trail === 'main' ? readers : supervisors, trail, ok: 200 };
    return [
      { route: 'get /v1/events', path: () => `/v1/events?trail=${trail}`, ...common },
      { route: 'get /v1/stats', path: () => `/v1/stats?trail=${trail}&field=actor.id`, ...common },
      { route: 'get /v1/events/stream', path: () => `/v1/events/stream?trail=${trail}`, ...common },
      { route: 'get /trails/{trail}/checkpoint', path: () => `/trails/${trail}/checkpoint`, ...common },
      {
        route: 'get /v1/trails/{trail}/producers',
        path: () => `/v1/trails/${trail}/producers`,
        wholeTrail: true as const,
        ...common,
      },
    ];
  }),
  ...(['acme', 'globex'] as const).flatMap((tenant) => {
    const common = { roles: readers, trail: 'main', tenant, hidden: true as const, ok: 200 };
    return [
      { route: 'get /v1/events/{id}', path: (world: World) => `/v1/events/${world[tenant]}`, ...common },
      {
        route: 'get /v1/events/{id}/proof',
        path: (world: World) => `/v1/events/${world[tenant]}/proof`,
        ...common,
      },
    ];
  }),
  {
    route: 'get /trails/{trail}/tile/{path}',
    path: ({ width }) => `/trails/main/tile/0/000.p/${width}`,
    roles: readers,
    trail: 'main',
    ok: 200,
  },
  {
    route: 'get /trails/{trail}/tile/{path}',
    path: ({ width }) => `/trails/main/tile/entries/000.p/${width}`,
    roles: readers,
    trail: 'main',
    wholeTrail: true,
    ok: 200,
  },
  { route: 'get /v1/trails', path: () => '/v1/trails', roles: readers, ok: 200 },
  {
    route: 'post /v1/trails',
    path: () => '/v1/trails',
    body: ({ n }) => ({ name: `new-${n}` }),
    roles: admins,
    trail: 'new',
    wholeTrail: true,
    ok: 201,
  },
  { route: 'get /v1/tokens', path: () => '/v1/tokens', roles: admins, ok: 200 },
  {
    route: 'post /v1/tokens',
    path: () => '/v1/tokens',
    body: () => ({ name: 'x', role: 'read', trails: ['main'], tenants: ['acme'] }),
    roles: admins,
    trail: 'main',
    tenant: 'acme',
    ok: 201,
  },
  {
    route: 'post /v1/tokens',
    path: () => '/v1/tokens',
    body: () => ({ name: 'x', role: 'read', trails: ['main'] }),
    roles: admins,
    trail: 'main',
    wholeTrail: true,
    ok: 201,
  },
  {
    route: 'delete /v1/tokens/{id}',
    path: ({ token }) => `/v1/tokens/${token}`,
    roles: admins,
    trail: 'main',
    tenant: 'acme',
    hidden: true,
    ok: 200,
  },
  ...['get /v1/alerts', 'get /v1/alerts/stats', 'get /v1/alerts/stream'].map((route) => ({
    route,
    path: () => route.slice('get '.length),
    roles: watchers,
    ok: 200,
  })),
  { route: 'get /v1/alerts', path: () => '/v1/alerts?trail=main', roles: watchers, trail: 'main', ok: 200 },
  {
    route: 'get /v1/alerts/{id}',
    path: ({ alert }) => `/v1/alerts/${alert}`,
    roles: watchers,
    trail: 'main',
    tenant: 'acme',
    hidden: true,
    isHiddenTrail: true,
    ok: 200,
  },
  {
    route: 'post /v1/alerts/{id}',
    path: ({ alert }) => `/v1/alerts/${alert}`,
    body: () => ({ action: 'note', note: 'x' }),
    roles: engineers,
    trail: 'main',
    tenant: 'acme',
    hidden: true,
    isHiddenTrail: true,
    ok: 200,
  },
  { route: 'get /v1/silences', path: () => '/v1/silences', roles: watchers, wholeServer: true, ok: 200 },
  {
    route: 'post /v1/silences',
    path: () => '/v1/silences',
    body: () => ({ match: { rule: 'r' }, owner: 'o', reason: 'r', endsAt: soon }),
    roles: engineers,
    wholeServer: true,
    ok: 201,
  },
  {
    route: 'delete /v1/silences/{id}',
    path: ({ silence }) => `/v1/silences/${silence}`,
    roles: engineers,
    wholeServer: true,
    ok: 200,
  },
  { route: 'get /v1/detection', path: () => '/v1/detection', roles: watchers, wholeServer: true, ok: 200 },
  {
    route: 'post /v1/detection/backfill',
    path: () => '/v1/detection/backfill',
    body: () => ({ since: '2026-01-01T00:00:00Z', until: '2026-01-02T00:00:00Z' }),
    roles: engineers,
    wholeServer: true,
    ok: 200,
  },
  { route: 'get /v1/rules', path: () => '/v1/rules', roles: watchers, wholeServer: true, ok: 200 },
  { route: 'get /v1/rules/{key}', path: () => '/v1/rules/door', roles: watchers, wholeServer: true, ok: 200 },
  ...(['post /v1/rules', 'post /v1/rules/validate'] as const).map((route) => ({
    route,
    path: () => route.slice('post '.length),
    body: ({ n: number }: World) => ({ yaml: ruleOf(`window-${number}`) }),
    roles: engineers,
    wholeServer: true as const,
    ok: route.endsWith('validate') ? 200 : 201,
  })),
  {
    route: 'put /v1/rules/{key}',
    path: () => '/v1/rules/door',
    body: () => ({ yaml: ruleOf('door') }),
    roles: engineers,
    wholeServer: true,
    ok: 200,
  },
  // Whoever may gets this far: others need what is built in.
  {
    route: 'delete /v1/rules/{key}',
    path: () => `/v1/rules/${builtIn}`,
    roles: engineers,
    wholeServer: true,
    ok: 409,
  },
  {
    route: 'post /v1/rules/{key}/enable',
    path: () => '/v1/rules/door/enable',
    roles: engineers,
    wholeServer: true,
    ok: 200,
  },
  {
    route: 'post /v1/rules/{key}/disable',
    path: () => `/v1/rules/${builtIn}/disable`,
    body: () => ({ reason: 'r' }),
    roles: engineers,
    wholeServer: true,
    ok: 200,
  },
  {
    route: 'post /v1/rules/{key}/backtest',
    path: () => '/v1/rules/door/backtest',
    body: () => ({ trail: 'main' }),
    roles: engineers,
    wholeServer: true,
    ok: 200,
  },
  { route: 'get /v1/channels', path: () => '/v1/channels', roles: admins, wholeServer: true, ok: 200 },
  {
    route: 'post /v1/channels',
    path: () => '/v1/channels',
    body: () => ({ name: 'x', target: { kind: 'webhook', url: 'http://192.168.0.1/' } }),
    roles: admins,
    wholeServer: true,
    // Whoever may gets this far: such an address is refused.
    ok: 422,
  },
  ...[
    'get /v1/channels/{id}',
    'put /v1/channels/{id}',
    'delete /v1/channels/{id}',
    'post /v1/channels/{id}/test',
    'post /v1/channels/{id}/rotate',
    'get /v1/channels/{id}/dead-letters',
    'delete /v1/channels/{id}/dead-letters',
    'delete /v1/channels/{id}/dead-letters/{letter}',
    'post /v1/channels/{id}/dead-letters/retry',
  ].map((route) => ({
    route,
    path: () => route.split(' ')[1]!.replace('{id}', 'chn_x'),
    ...(/^put|rotate|retry/.test(route) && { body: () => (route.startsWith('put') ? { name: 'x' } : {}) }),
    roles: admins,
    wholeServer: true as const,
    // There is none of the name.
    ok: 404,
  })),
  {
    route: 'post /v1/sources/{name}',
    path: () => '/v1/sources/okta?tenant=acme',
    body: ({ n: number }) => ({
      uuid: `u-${number}`,
      eventType: 'user.session.start',
      published: '2026-01-01T00:00:00Z',
    }),
    roles: ['ingest', 'admin'],
    trail: 'main',
    tenant: 'acme',
    ok: 201,
  },
  ...['get', 'delete'].map((method) => ({
    route: `${method} /v1/sources/{name}/dead-letters`,
    path: () => `/v1/sources/okta/dead-letters${method === 'delete' ? '?through=1' : ''}`,
    roles: admins,
    wholeServer: true as const,
    ok: 200,
  })),
  { route: 'get /metrics', path: () => '/metrics', roles, wholeServer: true, ok: 200 },
  { route: 'get /healthz', path: () => '/healthz', ok: 200 },
  { route: 'get /readyz', path: () => '/readyz', ok: 200 },
  { route: 'get /openapi.json', path: () => '/openapi.json', ok: 200 },
];

/** What the table above says. */
function expectedStatus(
  { roles: allowed, trail, tenant, wholeTrail, wholeServer, hidden, isHiddenTrail, ok, route }: Route,
  role: Role,
  trails: readonly string[],
  tenants: readonly string[],
): number {
  if (!allowed) return ok;
  if (!allowed.includes(role)) return 403;
  if (wholeServer && !(trails.includes('*') && tenants.includes('*'))) return 403;
  const reachesTrail = trail === undefined || trails.includes('*') || trails.includes(trail);
  // A token out of reach is not there; a trail out of reach is refused.
  if (!reachesTrail) return isHiddenTrail || route.startsWith('delete') ? 404 : 403;
  if (tenants.includes('*')) return ok;
  if (wholeTrail) return 403;
  if (tenant !== undefined && !tenants.includes(tenant)) return hidden ? 404 : 403;
  return ok;
}

let server: TestServer;
let world: Omit<World, 'n' | 'token'>;
let n = 0;
beforeAll(async () => {
  server = await startServer({ detection: true });
  const { receipts } = await server.record([
    { action: 'a', tenant: 'acme', producer: { id: 'p', seq: 1 } },
    { action: 'a', tenant: 'globex' },
  ]);
  await server.engine.log.publish('main');
  await server.record({ action: 'a', trail: 'other' });
  const post = <T>(path: string, body: object): Promise<T> =>
    server.json<T>(path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  await post('/v1/rules', { yaml: ruleOf('door') });
  await post('/v1/rules/door/enable', {});
  const { id: silence } = await post<Silence>('/v1/silences', {
    ...{ match: { trail: 'main', rule: 'r' }, owner: 'o', reason: 'r', endsAt: soon },
  });
  await server.record({ action: 'door', tenant: 'acme' });
  const alert = await vi.waitFor(async () => {
    const { alerts } = await server.json<AlertPage>('/v1/alerts?rule=door');
    return alerts[0]!.id;
  });
  world = { acme: receipts[0]!.id, globex: receipts[1]!.id, width: server.size(), alert, silence };
});
afterAll(() => server[Symbol.asyncDispose]());

/** A token that is there without anybody having asked for it over HTTP. */
const stored = (wanted: NewToken): CreatedToken =>
  server.engine.tokens.add(server.engine.tokens.make(wanted));

/** Status of a route, of which a stream is not read to its end. */
async function statusOf({ path, body, route }: Route, token: string | undefined): Promise<number> {
  const toRevoke = route.startsWith('delete')
    ? stored({ name: 'x', role: 'read', trails: ['main'], tenants: ['acme'] }).id
    : '';
  const here: World = { ...world, n: n++, token: toRevoke };
  const abort = new AbortController();
  const response = await fetch(`${server.url}${path(here)}`, {
    method: route.split(' ', 1)[0]!.toUpperCase(),
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body(here)) }),
    signal: abort.signal,
  });
  if (response.headers.get('content-type') === 'text/event-stream') abort.abort();
  else await response.arrayBuffer();
  return response.status;
}

const nameOf = ({ route, path }: Route): string =>
  `${route} (${path({ acme: '<acme>', globex: '<globex>', width: 2, n: 0, token: '<token>', alert: '<alert>', silence: '<silence>' })})`;

describe('the table of routes', () => {
  it('names every route of the API', async () => {
    const { paths } = await server.json<{ paths: Record<string, Record<string, unknown>> }>('/openapi.json');
    const documented = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    );
    expect([...new Set(routes.map(({ route }) => route))].sort()).toEqual(documented.sort());
  });
});

const trailScopes = [['*'], ['main'], ['other'], ['system']];
const tenantScopes = [['*'], ['acme'], ['acme', 'initech']];

describe.each(roles)('a token of the role %s', (role) => {
  const scopes = trailScopes.flatMap((trails) => tenantScopes.map((tenants) => ({ trails, tenants })));

  it.each(scopes)(
    'for the trails $trails and the tenants $tenants is let in where the table says so',
    async (scope) => {
      const { secret } = stored({ name: 'x', role, ...scope });
      const seen: Record<string, number> = {};
      const wanted: Record<string, number> = {};
      for (const route of routes) {
        seen[nameOf(route)] = await statusOf(route, secret);
        wanted[nameOf(route)] = expectedStatus(route, role, scope.trails, scope.tenants);
      }
      expect(seen).toEqual(wanted);
    },
  );
});

describe('who is not let in', () => {
  const closed = routes.filter(({ roles: allowed }) => allowed);
  const past = new Date(Date.now() - 1000).toISOString();
  const all = { trails: ['*'], tenants: ['*'] };

  it.each([
    ['without a token', () => undefined],
    ['with an unknown token', () => `stk_${'a'.repeat(52)}`],
    ['with a token that is too long', () => 'a'.repeat(600)],
    [
      'with a revoked token',
      () => {
        const { id, secret } = stored({ name: 'x', role: 'admin', ...all });
        server.engine.tokens.revoke(id);
        return secret;
      },
    ],
    ['with an expired token', () => stored({ name: 'x', role: 'admin', ...all, expiresAt: past }).secret],
    ['with the hash of a token', () => 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ])('%s gets 401 from every route that is not public', async (_name, make) => {
    const token = make();
    for (const route of closed)
      expect([nameOf(route), await statusOf(route, token)]).toEqual([nameOf(route), 401]);
  });

  it.each([
    'Basic YWRtaW46YWRtaW4=',
    'Bearer',
    'Bearer ',
    `Bearer ${adminSecret} x`,
    `Bearer ${adminSecret},x`,
    adminSecret,
    `Token ${adminSecret}`,
  ])('with the header %s gets 401, and is told how to sign in', async (authorization) => {
    const answer = await server.send('/v1/events', { token: null, headers: { authorization } });
    expect(problemOf(answer).code).toBe('unauthenticated');
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
  });

  it('is refused before the rest of the request is looked at', async () => {
    for (const path of [
      '/v1/events?q=(',
      '/v1/events/x',
      '/v1/events?cursor=x',
      '/v1/stats?interval=x',
      '/trails/main/tile/x',
    ])
      expect((await server.send(path, { token: null })).status).toBe(401);
  });

  it('is let in as soon as the token is there, and no longer than it is', async () => {
    const { id, secret } = await server.token({ role: 'read' });
    expect((await server.send('/v1/trails', { token: secret })).status).toBe(200);
    await server.send(`/v1/tokens/${id}`, { method: 'DELETE' });
    expect((await server.send('/v1/trails', { token: secret })).status).toBe(401);
  });
});

describe('an administrator of some trails and tenants', () => {
  const limited = { trails: ['main'], tenants: ['acme'] };

  it('sees and revokes only tokens within that scope', async () => {
    const { secret } = await server.token({ role: 'admin', ...limited });
    const inside = await server.token({ role: 'read', ...limited });
    const outside = await server.token({ role: 'read', trails: ['main'], tenants: ['globex'] });
    const { tokens } = await server.json<{ tokens: { id: string; trails: string[]; tenants: string[] }[] }>(
      '/v1/tokens',
      {
        token: secret,
      },
    );
    expect(tokens.map(({ id }) => id)).toContain(inside.id);
    for (const { trails, tenants } of tokens) expect({ trails, tenants }).toEqual(limited);
    const revoke = (id: string): Promise<{ status: number }> =>
      server.send(`/v1/tokens/${id}`, { method: 'DELETE', token: secret });
    expect((await revoke(outside.id)).status).toBe(404);
    expect((await revoke(inside.id)).status).toBe(200);
    expect((await server.send('/v1/trails', { token: outside.secret })).status).toBe(200);
  });

  it.each([
    { trails: ['*'], tenants: ['acme'] },
    { trails: ['main'], tenants: ['*'] },
    { trails: ['main', 'other'], tenants: ['acme'] },
    { trails: ['main'], tenants: ['acme', 'globex'] },
    {},
  ])('cannot make a token for %j', async (scope) => {
    const { secret } = await server.token({ role: 'admin', ...limited });
    const before = server.engine.tokens.list().length;
    const answer = await server.send('/v1/tokens', {
      method: 'POST',
      body: JSON.stringify({ name: 'x', role: 'read', ...scope }),
      headers: { 'content-type': 'application/json' },
      token: secret,
    });
    expect(problemOf(answer).code).toBe('forbidden');
    expect(server.engine.tokens.list()).toHaveLength(before);
  });
});
