import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './support/command-line.ts';
import { adminSecret, startServer, type TestServer } from './support/server.ts';

describe('output that is no terminal', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const sealtrail = (...args: readonly string[]) =>
    run(args, { environment: { SEALTRAIL_URL: server.url, SEALTRAIL_TOKEN: adminSecret } });

  it('has every cell in full', async () => {
    const actor = 'a'.repeat(256);
    await server.record([
      {
        action: 'user.login',
        actor: { type: 'user', id: actor },
        targets: [{ type: 'session', id: 'ses_42' }],
        source: { ip: '2001:db8::4217' },
      },
      { action: 'user.logout', targets: [{ type: 'session', id: 'ses_43' }] },
    ]);
    const { stdout } = await sealtrail('query');
    const [heading, logout, login] = stdout.trimEnd().split('\n');
    expect(heading!.split(/ +/)).toEqual(['INDEX', 'TIME', 'ACTION', 'OUTCOME', 'ACTOR', 'TARGET', 'SOURCE']);
    expect(login!.split(/ +/).slice(2)).toEqual(['user.login', actor, 'session:ses_42', '2001:db8::4217']);
    expect(logout).toContain('session:ses_43');
    const { vkey } = server.engine.log.trail('main')!;
    expect((await sealtrail('trail', 'list')).stdout).toContain(vkey);
    const { id } = await server.token({ role: 'read', name: 'n'.repeat(120) });
    await sealtrail('token', 'revoke', id);
    expect((await sealtrail('token', 'list')).stdout).toMatch(new RegExp(`${id}.*revoked 2`));
  });

  it('has JSON that is safe to look at and says the same', async () => {
    const name = 'evil\u009b2J\u202e\u061c\u200b';
    await server.record({ action: 'a.evil', actor: { type: 'user', name } });
    const { stdout } = await sealtrail('query', 'action:a.evil', '--json');
    expect(stdout).toContain('evil\\u009b2J\\u202e\\u061c\\u200b');
    expect(JSON.parse(stdout)).toMatchObject({ events: [{ entry: { actor: { name } } }] });
  });
});

describe('a server that lies', () => {
  const evil = '\u001b]0;pwn\u0007\u009b2J\u202e';
  const receipt = { id: evil, trail: evil, index: evil, leafHash: evil };
  const anAlert = 'alr_000000000000000000000000';
  const alert = {
    id: evil,
    trail: evil,
    rule: { key: evil, title: evil },
    level: evil,
    tags: [evil],
    entity: { [evil]: evil },
    actors: [evil],
    addresses: [evil],
    status: evil,
    tenant: evil,
    assignee: evil,
    disposition: evil,
    duplicateOf: evil,
    risk: evil,
    findings: evil,
    entries: [evil],
    openedAt: evil,
    changedAt: evil,
    firstEventAt: evil,
    lastEventAt: evil,
    silencedBy: [evil],
    inhibitedBy: [],
  };
  const step = { at: evil, action: 'note', by: evil, note: evil, assignee: null, disposition: null };
  const finding = { startedAt: evil, lastAt: evil, peak: evil, entries: [evil] };
  const silence = {
    id: evil,
    match: { rule: evil },
    owner: evil,
    reason: evil,
    startsAt: evil,
    endsAt: evil,
    state: evil,
  };
  const channel = {
    id: evil,
    name: evil,
    secret: evil,
    target: { kind: evil, url: evil },
    filter: { minLevel: evil },
    isEnabled: false,
    disabledBecause: evil,
  };
  const answers: Readonly<Record<string, object>> = {
    'POST /v1/events': { receipts: [receipt], errors: [{ position: evil, pointer: evil, message: evil }] },
    'GET /v1/events': { events: [], nextCursor: evil },
    'GET /v1/trails': { trails: [{ name: evil, vkey: `x\nquorum ${evil}`, size: evil }] },
    'POST /v1/trails': { vkey: evil },
    'GET /v1/tokens': {
      tokens: [{ id: evil, name: evil, role: evil, trails: [evil], tenants: [], createdAt: evil }],
    },
    'POST /v1/tokens': { secret: evil },
    'DELETE /v1/tokens/x': { id: evil },
    'GET /v1/alerts': { alerts: [alert], nextCursor: evil },
    [`GET /v1/alerts/${anAlert}`]: { alert, steps: [step], findings: [finding] },
    [`POST /v1/alerts/${anAlert}`]: alert,
    'GET /v1/alerts/stats': {
      total: evil,
      byStatus: {},
      byLevel: { high: evil },
      byDisposition: {},
      byRule: [{ rule: evil, title: evil, alerts: evil, falsePositives: evil }],
    },
    'GET /v1/silences': { silences: [silence] },
    'POST /v1/silences': silence,
    'DELETE /v1/silences/x': silence,
    'GET /v1/channels': { channels: [channel] },
    'GET /v1/channels/x': channel,
    'PUT /v1/channels/x': channel,
    'POST /v1/channels': channel,
    'DELETE /v1/channels/x': {},
    'POST /v1/channels/x/test': { isDelivered: false, error: evil },
    'POST /v1/channels/x/rotate': channel,
    'GET /v1/channels/x/dead-letters': {
      deadLetters: [{ id: evil, type: evil, alert: evil, diedAt: evil, attempts: evil, error: evil }],
    },
    'POST /v1/channels/x/dead-letters/retry': { count: evil },
    'GET /v1/detection': {
      trails: [{ trail: evil, size: 1, entries: 0, late: evil, completeUntil: evil }],
      rules: { enabled: evil, disabled: evil },
      faults: [{ file: evil, line: evil, column: evil, message: evil }],
    },
    'GET /v1/rules': { rules: [{ key: evil, title: evil, level: evil, origin: evil, notice: evil }] },
    'POST /v1/rules/x/enable': { title: evil },
    'POST /v1/rules/x/disable': { title: evil },
  };
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const answer = answers[`${request.method} ${request.url!.split('?')[0]}`];
      response.writeHead(answer ? 200 : 418).end(JSON.stringify(answer ?? { code: evil, detail: evil }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => server.close());

  it.each([
    ['record --action a.b', 1],
    ['query', 0],
    ['trail list', 0],
    ['trail create x', 0],
    ['trail policy', 1],
    ['token list', 0],
    ['token create x --role read', 0],
    ['token revoke x', 0],
    ['prove x', 1],
    ['tail', 1],
    ['alert list', 0],
    [`alert show ${anAlert}`, 0],
    [`alert ack ${anAlert}`, 0],
    ['alert stats', 0],
    ['alert tail', 1],
    ['silence list', 0],
    ['silence add --rule x --owner x --reason x --for 1h', 0],
    ['silence end x', 0],
    ['channel list', 0],
    ['channel add stdout x', 0],
    ['channel enable x', 0],
    ['channel test x', 1],
    ['channel rotate x', 0],
    ['channel remove x', 0],
    ['channel dead-letters x', 0],
    ['channel retry x', 0],
    ['rules status --rules', 0],
    ['rules enable x', 0],
    ['rules disable x --reason x', 0],
  ])('gets no control character out of `%s`', async (line, code) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const json of [[], ['--json']]) {
      const outcome = await run([...line.split(' '), '--url', url, ...json]);
      expect(outcome.code).toBe(code);
      const text = outcome.stdout + outcome.stderr;
      expect(text).not.toBe('');
      expect([...text].filter((c) => c !== '\n' && /[\p{Cc}\p{Bidi_Control}]/u.test(c))).toEqual([]);
    }
  });
});
