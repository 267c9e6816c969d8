import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { OpenAPIHono } from '@hono/zod-openapi';
import { channelSchema, compileClientAddress, type Role, SealtrailError, type Token } from '@sealtrail/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChannelsApi } from '../channel-ports.ts';
import { Gate } from './authorize.ts';
import { addChannelRoutes } from './channel-routes.ts';
import type { HttpEnv, HttpParts } from './context.ts';
import { FailedSignIns } from './failed-sign-ins.ts';
import { documentChannelRoutes } from './openapi-channels.ts';
import { problemResponse } from './problem.ts';

const id = 'chn_aaaaaaaaaaaaaaaa';
const letter = `ntf_${'0'.repeat(24)}`;

/** Channels that keep what they are asked for, and answer with a sample. */
let asked: unknown[];
let failure: SealtrailError | undefined;
const sample = channelSchema.parse({
  id,
  name: 'ops',
  target: { kind: 'stdout' },
  filter: { minLevel: 'medium' },
  timers: {},
  personalData: false,
  isEnabled: true,
  disabledBecause: null,
  createdAt: '2026-01-31T00:00:00.000Z',
  changedAt: '2026-01-31T00:00:00.000Z',
  waiting: 0,
  dead: 0,
  collapsed: 0,
  dropped: 0,
  retryAt: null,
  lastDeliveredAt: null,
  lastError: null,
});
const answer =
  <Args extends unknown[], Result>(name: string, result: Result) =>
  async (...args: Args): Promise<Result> => {
    asked.push([name, ...args]);
    if (failure) throw failure;
    return result;
  };
const channels: ChannelsApi = {
  list: answer('list', [sample]),
  get: answer('get', sample),
  create: answer('create', { ...sample, secret: 'whsec_sample' }),
  update: answer('update', { ...sample, secret: null }),
  remove: answer('remove', undefined),
  rotateSecret: answer('rotateSecret', { ...sample, secret: 'whsec_sample' }),
  test: answer('test', { isDelivered: true, error: null }),
  deadLetters: answer('deadLetters', []),
  retry: answer('retry', 2),
  discard: answer('discard', 1),
};

const token = (role: Role, trails = ['*']): Token => ({
  id: `tok_${role}`,
  name: role,
  role,
  trails,
  tenants: ['*'],
  createdAt: '2026-01-31T00:00:00.000Z',
  expiresAt: null,
  revokedAt: null,
});
const tokens = new Map<string, Token>([
  ['secret-admin', token('admin')],
  ['secret-limited', token('admin', ['main'])],
  ...(['ingest', 'read', 'analyst', 'auditor'] as const).map(
    (role) => [`secret-${role}`, token(role)] as const,
  ),
]);
const parts = {
  detection: { channels },
  tokens: { find: (secret: string) => tokens.get(secret) },
  metrics: { authenticationFailures: { inc: () => {} } },
  system: { note: () => {} },
  clientAddress: compileClientAddress([]),
} as unknown as HttpParts & { detection: { channels: ChannelsApi } };

const app = new OpenAPIHono<HttpEnv>();
addChannelRoutes(app, parts, new Gate(parts, new FailedSignIns(parts)));
documentChannelRoutes(app);
app.doc31('/openapi.json', { openapi: '3.1.0', info: { title: 'test', version: '1' } });
app.onError((error) => problemResponse(error));
const server = createServer(getRequestListener(app.fetch));
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  failure = undefined;
});

async function ask(
  method: string,
  path: string,
  { body, as = 'admin' }: { body?: unknown; as?: string } = {},
): Promise<{ status: number; json: Record<string, unknown> }> {
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: {
      authorization: `Bearer secret-${as}`,
      'user-agent': 'test',
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

const by = {
  actor: { type: 'api_key', id: 'tok_admin', name: 'admin' },
  source: { ip: '127.0.0.1', userAgent: 'test' },
};
const given = { name: 'ops', target: { kind: 'stdout' } };
const full = {
  name: 'ops',
  target: { kind: 'stdout', format: 'json' },
  filter: { minLevel: 'medium' },
  timers: { waitMs: 0, intervalMs: 300_000, repeatMs: 14_400_000 },
  personalData: false,
  isEnabled: true,
};

const routes: readonly (readonly [string, string, unknown, number, unknown[]])[] = [
  ['GET', '/v1/channels', undefined, 200, ['list']],
  ['POST', '/v1/channels', given, 201, ['create', full, by]],
  ['GET', `/v1/channels/${id}`, undefined, 200, ['get', id]],
  ['PUT', `/v1/channels/${id}`, given, 200, ['update', id, full, by]],
  ['DELETE', `/v1/channels/${id}`, undefined, 204, ['remove', id, by]],
  ['POST', `/v1/channels/${id}/test`, undefined, 200, ['test', id, by]],
  ['POST', `/v1/channels/${id}/rotate`, {}, 200, ['rotateSecret', id, { keepPrevious: true }, by]],
  ['GET', `/v1/channels/${id}/dead-letters`, undefined, 200, ['deadLetters', id]],
  ['POST', `/v1/channels/${id}/dead-letters/retry`, {}, 200, ['retry', id, undefined, by]],
  ['POST', `/v1/channels/${id}/dead-letters/retry`, { ids: [letter] }, 200, ['retry', id, [letter], by]],
  ['DELETE', `/v1/channels/${id}/dead-letters`, undefined, 200, ['discard', id, undefined, by]],
  ['DELETE', `/v1/channels/${id}/dead-letters/${letter}`, undefined, 200, ['discard', id, [letter], by]],
];

describe('routes of channels', () => {
  it.each(routes)('%s %s asks for what it says', async (method, path, body, status, call) => {
    expect((await ask(method, path, { body })).status).toBe(status);
    expect(asked).toEqual([call]);
  });

  it.each(routes)('%s %s is for administrators without limits alone', async (method, path, body) => {
    for (const as of ['ingest', 'read', 'analyst', 'auditor', 'limited'])
      expect((await ask(method, path, { body, as })).json['code']).toBe('forbidden');
    expect((await ask(method, path, { body, as: 'nobody' })).json['code']).toBe('unauthenticated');
    expect(asked).toEqual([]);
  });

  it('passes on what goes wrong', async () => {
    failure = new SealtrailError('channel_not_found');
    expect(await ask('GET', `/v1/channels/${id}`)).toMatchObject({
      status: 404,
      json: { code: 'channel_not_found' },
    });
    failure = new SealtrailError('target_refused', 'it is private');
    expect(await ask('POST', '/v1/channels', { body: given })).toMatchObject({
      status: 422,
      json: { code: 'target_refused' },
    });
  });

  const webhook = { kind: 'webhook', url: 'https://hooks.example.com/' };
  const email = { kind: 'email', host: 'mail.example.com', from: 'a@example.com', to: ['b@example.com'] };
  it.each([
    { ...webhook, url: 'ftp://hooks.example.com/' },
    { ...webhook, url: 'https://user:sample@hooks.example.com/' },
    { ...webhook, url: 'https:\\\\user@hooks.example.com/' },
    { ...webhook, secrets: ['whsec_short'] },
    { ...webhook, secrets: [] },
    { kind: 'pigeon' },
    { kind: 'pagerduty', routingKey: 'short' },
    { ...email, to: ['not an address'] },
    { ...email, from: 'a@example.com\r\nBcc: c@example.com' },
    { ...email, host: 'mail example' },
    { ...email, user: 'u' },
    { ...email, user: 'u', password: 'sample', security: 'none' },
    { kind: 'ocsf', url: 'https://lake.example.com/', authorization: 'a\r\nb: c' },
    { kind: 'syslog', host: 'logs.example.com', port: 0 },
    { kind: 'syslog', host: 'logs.example.com', extra: 1 },
  ])('takes %j for no target', async (target) => {
    const { json } = await ask('POST', '/v1/channels', { body: { name: 'ops', target } });
    expect([json['code'], asked]).toEqual(['invalid_body', []]);
  });

  it('are all in the API document, and nothing else is', async () => {
    const { json } = await ask('GET', '/openapi.json');
    const documented = Object.entries(json['paths'] as Record<string, object>).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    );
    const routed = app.routes
      .map(({ method, path }) => `${method} ${path}`)
      .filter((name) => name.includes('/v1/'));
    expect(documented.sort()).toEqual(routed.sort());
  });
});
