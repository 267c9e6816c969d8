import type { CreatedToken } from '@sealtrail/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminSecret, startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let auditor: CreatedToken;
let id: string;
beforeAll(async () => {
  server = await startServer();
  id = (await server.record({ action: 'a' })).receipts[0]!.id;
  auditor = await server.token({ role: 'auditor' });
  await server.engine.log.publish('main');
});
afterAll(() => server[Symbol.asyncDispose]());

/** Entries of `system` that an action leaves. */
async function left(action: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const before = server.size('system');
  await action();
  // Some entries are written while the answer is on its way: what is written after them is behind them.
  await server.engine.system.record({ action: 'test.done' });
  return server.entries('system', before).filter((entry) => entry['action'] !== 'test.done');
}

/** The id of no event. */
const nowhere = '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f';

const json = { 'content-type': 'application/json' };

describe('a read is an entry of the trail system', () => {
  it.each([
    ['event.search', '/v1/events?actor=u_1&q=x', '/v1/events', ['actor', 'q']],
    ['event.count', '/v1/stats?field=action', '/v1/stats', ['field']],
    ['event.read', '/v1/events/<id>', '/v1/events/:id', [], '<id>'],
    ['event.prove', '/v1/events/<id>/proof', '/v1/events/:id/proof', [], '<id>'],
    ['event.read', `/v1/events/${nowhere.toUpperCase()}`, '/v1/events/:id', [], nowhere],
    ['event.stream', '/v1/events/stream', '/v1/events/stream', []],
  ])('%s: %s', async (action, path, route, parameters, event?: string) => {
    const method = action === 'event.stream' ? 'HEAD' : 'GET';
    const entries = await left(() =>
      server.send(path.replace('<id>', id), { method, token: auditor.secret }),
    );
    const read = event && [{ type: 'event', id: event.replace('<id>', id) }];
    expect(entries).toMatchObject([
      {
        action,
        category: 'data_access',
        outcome: 'success',
        actor: { type: 'api_key', id: auditor.id, name: auditor.name },
        targets: [{ type: 'trail', id: 'main' }, ...(read ?? [])],
        source: { ip: '127.0.0.1' },
        context: { http: { method, route } },
        metadata: { parameters },
      },
    ]);
  });

  it('that names what was looked for in no way', async () => {
    const entries = await left(() => server.send('/v1/events?q=hunter2&actor=hunter2&metadata.x=hunter2'));
    expect(JSON.stringify(entries)).not.toContain('hunter2');
  });

  it('once a minute where bundles are read one after the other', async () => {
    const entries = await left(async () => {
      for (let i = 0; i < 20; i++)
        await server.send('/trails/main/tile/entries/000.p/1', { token: auditor.secret });
    });
    expect(entries.filter(({ action }) => action === 'log.read')).toHaveLength(1);
  });

  it('also where it is the trail system that is read', async () => {
    const entries = await left(() => server.send('/v1/events?trail=system', { token: auditor.secret }));
    expect(entries).toMatchObject([{ action: 'event.search', targets: [{ id: 'system' }] }]);
  });
});

describe('an administrative act is an entry of the trail system', () => {
  it('making and revoking a token', async () => {
    let made: CreatedToken | undefined;
    const entries = await left(async () => {
      made = await server.token({ name: 'ci', role: 'ingest', trails: ['main'], tenants: ['acme'] });
      await server.send(`/v1/tokens/${made.id}`, { method: 'DELETE' });
    });
    expect(entries).toMatchObject([
      {
        action: 'token.create',
        targets: [{ type: 'token', id: made?.id, name: 'ci' }],
        metadata: { role: 'ingest', trails: ['main'], tenants: ['acme'], expiresAt: null },
      },
      { action: 'token.revoke', targets: [{ type: 'token', id: made?.id }] },
    ]);
    expect(JSON.stringify(entries)).not.toContain(made?.secret);
  });

  it('making a trail', async () => {
    const entries = await left(() =>
      server.send('/v1/trails', { method: 'POST', body: '{"name":"fresh"}', headers: json }),
    );
    expect(entries).toMatchObject([{ action: 'trail.create', targets: [{ type: 'trail', id: 'fresh' }] }]);
  });

  it('writing to a trail for the first time', async () => {
    const token = await server.token({ role: 'ingest', trails: ['first-written'] });
    const entries = await left(() => server.record({ action: 'a', trail: 'first-written' }, token.secret));
    expect(entries).toMatchObject([
      {
        action: 'trail.create',
        actor: { type: 'api_key', id: token.id },
        targets: [{ type: 'trail', id: 'first-written' }],
      },
    ]);
  });

  it('the first start, which makes trails and a token', () => {
    expect(server.entries('system').slice(0, 3)).toMatchObject([
      { action: 'trail.create', actor: { type: 'system' } },
      { action: 'trail.create', actor: { type: 'system' } },
      { action: 'token.create', actor: { type: 'system' } },
    ]);
  });
});

describe('what is refused', () => {
  it('is a bounded number of entries, however often it is tried', async () => {
    const entries = await left(async () => {
      for (let i = 0; i < 200; i++)
        await server.send('/v1/events', {
          token: `wrong-token-number-${i}`,
          headers: { 'user-agent': 'probe/1' },
        });
    });
    expect(entries).toMatchObject([
      {
        action: 'token.authenticate',
        category: 'authentication',
        outcome: 'failure',
        actor: { type: 'anonymous' },
        source: { ip: '127.0.0.1', userAgent: 'probe/1' },
      },
    ]);
    expect(JSON.stringify(entries)).not.toContain('wrong-token');
  });

  it.each([
    ['by its role', 'GET', '/v1/tokens', '/v1/tokens', undefined],
    ['by its trails', 'GET', '/v1/events?trail=system', '/v1/events', undefined],
    ['by its tenants', 'GET', '/trails/main/tile/entries/000', '/trails/:trail/tile/*', undefined],
  ])('to a token %s is an entry that names it', async (_name, method, path, route, body) => {
    const token = await server.token({ role: 'read', tenants: ['acme'] });
    const entries = await left(async () => {
      for (let i = 0; i < 30; i++)
        await server.send(path, { method, token: token.secret, body: body ?? null });
    });
    expect(entries).toMatchObject([
      {
        action: 'api.access',
        category: 'authorization',
        outcome: 'denied',
        actor: { type: 'api_key', id: token.id },
        context: { http: { method, route } },
        metadata: { attempts: 1 },
      },
    ]);
  });

  it.each(['', '?partial=true'])('to a producer is such an entry too (%s)', async (query) => {
    const token = await server.token({ role: 'ingest', trails: ['main'] });
    const entries = await left(() =>
      server.send(`/v1/events${query}`, {
        method: 'POST',
        body: JSON.stringify([{ action: 'a' }, { action: 'a', trail: 'other' }]),
        headers: json,
        token: token.secret,
      }),
    );
    expect(entries).toMatchObject([{ action: 'api.access', outcome: 'denied', actor: { id: token.id } }]);
  });
});

it('who asked through a proxy is who it says, where the proxy is trusted', async () => {
  for (const [trustProxy, ip] of [
    [[], '127.0.0.1'],
    [['127.0.0.0/8', '10.0.0.0/8'], '192.0.2.7'],
  ] as const) {
    await using proxied = await startServer({ trustProxy });
    const before = proxied.size('system');
    const headers = { 'x-forwarded-for': '6.6.6.6, 192.0.2.7, 10.0.0.1' };
    await proxied.send('/v1/events', { headers });
    await proxied.send('/v1/events', { headers, token: 'wrong-token-again' });
    await proxied.send('/v1/trails', {
      headers: { ...headers, ...json },
      method: 'POST',
      body: '{"name":"made"}',
    });
    await expect
      .poll(() => proxied.entries('system', before).map(({ action, source }) => [action, source]))
      .toEqual([
        ['event.search', expect.objectContaining({ ip })],
        ['token.authenticate', expect.objectContaining({ ip })],
        ['trail.create', expect.objectContaining({ ip })],
      ]);
  }
});

it('what was counted is reported when the server stops', async () => {
  await using stopping = await startServer();
  for (let i = 0; i < 5; i++) await stopping.send('/v1/events', { token: 'wrong-token-again' });
  await stopping.http[Symbol.asyncDispose]();
  await stopping.record({ action: 'x' }).catch(() => {});
  await expect
    .poll(() => stopping.entries('system').filter(({ action }) => action === 'token.authenticate'))
    .toMatchObject([{ metadata: { attempts: 1 } }, { metadata: { attempts: 4 } }]);
});

describe('nothing of an event and no token is in', () => {
  const canary = 'Zq7Canary';

  it('errors, logs and metrics, whatever goes wrong', async () => {
    const answers: string[] = [];
    const post = async (body: string, headers: Record<string, string> = json, query = ''): Promise<void> => {
      const { status, text } = await server.send(`/v1/events${query}`, { method: 'POST', body, headers });
      if (status !== 201) answers.push(text);
    };
    const event = { id: crypto.randomUUID(), action: canary, reason: canary, metadata: { x: canary } };
    await post(JSON.stringify(event));
    await post(JSON.stringify({ ...event, reason: `${canary}2` }));
    await post(JSON.stringify([event, { action: `${canary} `, time: canary, id: canary, trail: canary }]));
    await post(`{"action":"${canary}","reason":${canary}}`);
    await post(`{"action":"${canary}`);
    await post(`{"action":"a","reason":"${canary}" "${canary}"}`, json, '?partial=true');
    await post(canary, { 'content-type': 'application/x-ndjson' });
    await post(JSON.stringify({ action: 'a', reason: canary.repeat(8000) }));
    await post(JSON.stringify({ ...event, trail: 'system', tenant: canary }));
    await post(canary, { ...json, 'content-encoding': 'gzip' });
    expect(answers).toHaveLength(9);
    await server.send(`/v1/events?q=${canary}(`);
    await server.send(`/v1/stats?field=${canary}`);
    const { secret } = await server.token({ role: 'read', name: 'x' });
    await server.send('/v1/tokens', { token: secret });
    const written = [
      ...answers,
      ...server.logs,
      (await server.send('/metrics')).text,
      JSON.stringify(server.entries('system')),
    ].join('\n');
    expect(written).not.toContain(canary);
    for (const token of [secret, adminSecret, auditor.secret]) expect(written).not.toContain(token);
  });

  it('the list of tokens', async () => {
    const { text } = await server.send('/v1/tokens');
    expect(text).toContain(auditor.id);
    for (const token of [adminSecret, auditor.secret]) expect(text).not.toContain(token);
    expect(text).not.toContain('hash');
  });
});
