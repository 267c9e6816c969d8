import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type {
  Alert,
  AlertDetails,
  AlertPage,
  Backfill,
  Backtest,
  DetectionStatus,
  Notification,
  Rule,
  RuleDetails,
  RuleReport,
  Silence,
} from '@sealtrail/core';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { followStream } from './support/event-stream.ts';
import { guessing } from './support/guessing.ts';
import { Receiver } from './support/receiver.ts';
import { adminSecret, problemOf, startServer, type TestServer } from './support/server.ts';

const waiting = { timeout: 20_000 };

const failure = { action: 'test.login', outcome: 'failure', actor: { type: 'user', id: 'u_1' } } as const;

let server: TestServer;
beforeEach(async () => {
  server = await startServer({ detection: true, allowedTargets: ['127.0.0.1'] });
});
afterEach(() => server[Symbol.asyncDispose]());

async function sendJson<T>(method: string, path: string, body: unknown = {}, status = 200): Promise<T> {
  const answer = await server.send(path, {
    method,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  expect([answer.status, answer.text]).toEqual([status, answer.text]);
  return JSON.parse(answer.text) as T;
}

/** Alerts of a rule once there are so many. */
async function alertsOf(rule: string, count: number, query = ''): Promise<Alert[]> {
  return await vi.waitFor(async () => {
    const { alerts } = await server.json<AlertPage>(`/v1/alerts?rule=${rule}${query}`);
    expect(alerts).toHaveLength(count);
    return alerts;
  }, waiting);
}

/** Waits until detection has seen all entries of a trail. */
async function caughtUp(name = 'main'): Promise<void> {
  await vi.waitFor(async () => {
    const { trails } = await server.json<DetectionStatus>('/v1/detection');
    for (const { trail, entries } of trails) if (trail === name) expect(entries).toBe(server.size(name));
  }, waiting);
}

async function addGuessing(): Promise<void> {
  await sendJson('POST', '/v1/rules', { yaml: guessing(60) }, 201);
  await sendJson('POST', '/v1/rules/failures_of_test/enable');
}

/** Stops the server and starts it on the same folder. */
async function restart(): Promise<void> {
  const { dir, http, engine } = server;
  await http[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
  const next = await startServer({ dir, detection: true, allowedTargets: ['127.0.0.1'] });
  const dispose = next[Symbol.asyncDispose].bind(next);
  next[Symbol.asyncDispose] = async () => {
    await dispose();
    await rm(dir, { recursive: true, force: true });
  };
  server = next;
}

describe('detection', () => {
  it('opens an alert that goes through its life, and each step is in the trail system', async () => {
    await addGuessing();
    await server.record([failure, failure, failure, failure]);
    const [alert] = await alertsOf('failures_of_test', 1);
    expect(alert).toMatchObject({
      trail: 'main',
      rule: { title: 'Many failures' },
      level: 'high',
      entity: { 'actor.id': 'u_1' },
      actors: ['u_1'],
      status: 'open',
      findings: 1,
      entries: [0, 1, 2, 3],
    });
    const id = alert!.id;
    await sendJson('POST', `/v1/alerts/${id}`, { action: 'assign', assignee: 'u_9', note: 'yours' });
    await sendJson('POST', `/v1/alerts/${id}`, { action: 'resolve', disposition: 'benign' });
    const details = await server.json<AlertDetails>(`/v1/alerts/${id}`);
    expect(details.steps.map(({ action }) => action)).toEqual(['open', 'assign', 'resolve']);
    expect(details.findings).toMatchObject([{ kind: 'correlation', peak: 4, entries: [0, 1, 2, 3] }]);
    const acts = server
      .entries('system')
      .filter(({ targets }) => (targets as { id: string }[] | undefined)?.some((target) => target.id === id))
      .map(({ action }) => action)
      .filter((action) => action !== 'alert.list');
    expect(acts).toEqual(['alert.open', 'alert.assign', 'alert.resolve', 'alert.read']);
    const enabled = server.entries('system').filter(({ action }) => action === 'rule.enable');
    expect(enabled).toMatchObject([{ actor: { type: 'api_key' }, targets: [{ type: 'rule' }] }]);
  });

  it('goes on after a restart: what was half seen is completed, and nothing is found twice', async () => {
    await addGuessing();
    await server.record([failure, failure]);
    await caughtUp();
    await restart();
    await server.record([failure, failure]);
    const [alert] = await alertsOf('failures_of_test', 1);
    expect(alert!.entries).toEqual([0, 1, 2, 3]);
    await restart();
    await server.record(failure);
    await caughtUp();
    await alertsOf('failures_of_test', 1);
    const opened = server.entries('system').filter(({ action }) => action === 'alert.open');
    expect(opened).toHaveLength(1);
  });

  it('keeps the state of rules that a change is not about; those it is about learn from history', async () => {
    await addGuessing();
    await server.record([failure, failure, failure]);
    await caughtUp();
    // Another rule comes, and the title changes.
    await sendJson(
      'POST',
      '/v1/rules',
      { yaml: guessing(60).replaceAll('_of_test', '_of_other').replaceAll('title: ', 'title: Other ') },
      201,
    );
    await sendJson('PUT', '/v1/rules/failures_of_test', { yaml: guessing(60, 'Still many') });
    await server.record(failure);
    await alertsOf('failures_of_test', 1);
    await server.record([
      { ...failure, actor: { type: 'user', id: 'u_2' } },
      { ...failure, actor: { type: 'user', id: 'u_2' } },
      { ...failure, actor: { type: 'user', id: 'u_2' } },
    ]);
    await caughtUp();
    await sendJson('PUT', '/v1/rules/failures_of_test', { yaml: guessing(30) });
    await server.record({ ...failure, actor: { type: 'user', id: 'u_2' } });
    await caughtUp();
    await alertsOf('failures_of_test', 2);
  });

  it('runs no rule without passing tests', async () => {
    const untested = `title: Untested\nname: untested\nlogsource: {product: sealtrail}\ndetection: {s: {action: x}, condition: s}`;
    await sendJson('POST', '/v1/rules', { yaml: untested }, 201);
    const failing = `${untested.replaceAll('ntested', 'ntrue')}
sealtrail: {tests: [{name: a, match: true, event: {action: y}}, {name: b, match: false, event: {action: z}}]}`;
    await sendJson('POST', '/v1/rules', { yaml: failing }, 201);
    for (const key of ['untested', 'untrue']) {
      const answer = await server.send(`/v1/rules/${key}/enable`, { method: 'POST' });
      expect(problemOf(answer)).toMatchObject({ status: 409, code: 'rule_untested' });
    }
    const report = await sendJson<RuleReport>('POST', '/v1/rules/validate', { yaml: failing });
    expect(report.faults).toHaveLength(1);
    const { rules } = await server.json<{ rules: Rule[] }>('/v1/rules');
    expect(rules.filter(({ origin }) => origin === 'custom').map(({ isEnabled }) => isEnabled)).toEqual([
      false,
      false,
    ]);
  });

  it('names the line of what is wrong in a rule, and lets nothing go that another one needs', async () => {
    const answer = await server.send('/v1/rules', {
      method: 'POST',
      body: JSON.stringify({
        yaml: 'title: x\nlogsource: {product: p}\ndetection: {s: {a|nope: 1}, condition: s}',
      }),
      headers: { 'content-type': 'application/json' },
    });
    expect(problemOf(answer)).toMatchObject({ code: 'invalid_rule' });
    expect(problemOf(answer).errors![0]!.message).toMatch(/^line 3, column \d+: /);
    await sendJson('POST', '/v1/rules', { yaml: guessing(60).split('---')[0]! }, 201);
    await sendJson('POST', '/v1/rules', { yaml: guessing(60).split('---')[1]! }, 201);
    const removal = await server.send('/v1/rules/failure_of_test', { method: 'DELETE' });
    expect(problemOf(removal)).toMatchObject({ status: 422, code: 'invalid_rule' });
    await sendJson('DELETE', '/v1/rules/failures_of_test');
    await sendJson('DELETE', '/v1/rules/failure_of_test');
  });

  it('lets no rule that is added take anything away from others', async () => {
    const filter = `title: q\nname: q\nlogsource: {product: sealtrail}\nfilter: {rules: any, s: {schemaVersion: 1}, condition: not s}`;
    const over = `title: Many\nname: many\ncorrelation: {type: event_count, rules: [break_glass_account_used], group-by: [actor.id], timespan: 1h, condition: {gte: 50}}
sealtrail:
  tests:
    - {name: many, match: true, events: [{event: {action: user.login, outcome: success, actor: {id: break-glass-1}}, times: 50}]}
    - {name: one, match: false, events: [{event: {action: user.login, outcome: success, actor: {id: break-glass-1}}}]}`;
    const heavy = `title: h\nname: h\nlogsource: {product: p}\ndetection: {s: {a|re: '${'(a|b){1,900}'.repeat(80)}'}, condition: s}`;
    const long = `title: l\nname: l\nlogsource: {product: p}\ndetection: {s: {a: 1}, condition: s}
sealtrail: {tests: [{name: t, match: true, events: [${'{event: {a: 1}, times: 10000}, '.repeat(6)}]}]}`;
    for (const yaml of [filter, heavy, long]) await sendJson('POST', '/v1/rules', { yaml }, 422);
    await sendJson('POST', '/v1/rules', { yaml: over }, 201);
    await sendJson('POST', '/v1/rules/many/enable');
    const { rule } = await server.json<RuleDetails>('/v1/rules/break_glass_account_used');
    expect(rule).toMatchObject({ isEnabled: true, isFinding: true });
    await server.record({
      ...failure,
      action: 'user.login',
      outcome: 'success',
      actor: { type: 'user', id: 'break-glass-1' },
    });
    await alertsOf(rule.key, 1);
    const [made] = server.entries('system').filter(({ action }) => action === 'rule.create');
    expect(made).toMatchObject({ metadata: { sha256: createHash('sha256').update(over).digest('hex') } });
  });

  it('shows nothing of the trail system to those who may not read it', async () => {
    const watching = `title: Tokens\nname: tokens\nlevel: high\nlogsource: {product: sealtrail}\ndetection: {s: {action: token.create}, condition: s}
sealtrail:
  group-by: [targets.name]
  tests:
    - {name: one, match: true, event: {action: token.create}}
    - {name: none, match: false, event: {action: token.revoke}}`;
    // The server's own token is from before the rule.
    await caughtUp('system');
    await sendJson('POST', '/v1/rules', { yaml: watching }, 201);
    await sendJson('POST', '/v1/rules/tokens/enable');
    const analyst = await server.token({ role: 'analyst', name: 'secret project' });
    const [alert] = await alertsOf('tokens', 1);
    expect(alert!.trail).toBe('system');
    const list = await server.send('/v1/alerts?rule=tokens', { token: analyst.secret });
    expect(JSON.parse(list.text)).toMatchObject({ alerts: [] });
    expect((await server.send(`/v1/alerts/${alert!.id}`, { token: analyst.secret })).status).toBe(404);
  });

  it('lets nobody mute what is found in the trail system who may not read it', async () => {
    const { secret: token } = await server.token({ role: 'analyst' });
    const as = async (method: string, path: string, body: unknown, secret = token) => {
      const headers = { 'content-type': 'application/json' };
      return await server.send(path, { method, headers, token: secret, body: JSON.stringify(body) });
    };
    const silence = (match: object) => ({
      match,
      owner: 'o',
      reason: 'r',
      endsAt: new Date(Date.now() + 3_600_000),
    });
    const create = async (match: object, secret = token): Promise<Silence> => {
      const { status, text } = await as('POST', '/v1/silences', silence(match), secret);
      expect(status).toBe(201);
      return JSON.parse(text) as Silence;
    };
    const end = async (one: Silence) => (await as('DELETE', `/v1/silences/${one.id}`, {})).status;
    expect((await as('POST', '/v1/silences', silence({ trail: 'system' }))).status).toBe(403);
    const own = await create({ maxLevel: 'critical' });
    expect(own.exceptSystem).toBe(true);
    expect((await create({ maxLevel: 'low' }, adminSecret)).exceptSystem).toBe(false);
    expect(await end(own)).toBe(200);
    expect(await end(await create({ trail: 'main' }, adminSecret))).toBe(200);
    expect(await end(await create({ trail: 'system' }, adminSecret))).toBe(403);
    expect(await end(await create({ maxLevel: 'low' }, adminSecret))).toBe(403);

    const disable = async (rule: string, secret = token) =>
      (await as('POST', `/v1/rules/${rule}/disable`, { reason: 'r' }, secret)).status;
    const watching = [
      ...['witness_refused', 'verification_failed', 'log_history_contradicted', 'log_silence_wide'],
      ...['log_rule_disabled', 'log_channel_cut_off', 'log_tokens_guessed', 'log_tokens_burst'],
    ];
    for (const rule of watching) expect([rule, await disable(rule)]).toEqual([rule, 403]);
    expect(await disable('break_glass_account_used')).toBe(200);
    expect(await disable('log_token_refused', adminSecret)).toBe(200);

    const custom = `title: Tokens\nname: tokens\nlogsource: {product: sealtrail}\ndetection: {s: {action: token.create}, condition: s}
sealtrail: {tests: [{name: one, match: true, event: {action: token.create, trail: system}}, {name: none, match: false, event: {action: x}}]}`;
    await sendJson('POST', '/v1/rules', { yaml: custom }, 201);
    expect((await as('PUT', '/v1/rules/tokens', { yaml: custom })).status).toBe(403);
    expect((await as('DELETE', '/v1/rules/tokens', {})).status).toBe(403);
    expect((await as('DELETE', '/v1/rules/none', {})).status).toBe(404);
  });

  it('tries a rule on history before it runs', async () => {
    await sendJson('POST', '/v1/rules', { yaml: guessing(60) }, 201);
    await server.record(
      ['u_1', 'u_2'].flatMap((id) =>
        Array.from({ length: 4 }, () => ({ ...failure, actor: { type: 'user', id } })),
      ),
    );
    const result = await sendJson<Backtest>('POST', '/v1/rules/failures_of_test/backtest', { trail: 'main' });
    expect(result).toMatchObject({
      entries: 8,
      isWhole: true,
      findings: 2,
      alerts: 2,
      alertsPerDay: [{ day: new Date().toISOString().slice(0, 10), alerts: 2 }],
      groups: [
        { entity: { 'actor.id': 'u_1' }, findings: 1 },
        { entity: { 'actor.id': 'u_2' }, findings: 1 },
      ],
    });
    await alertsOf('failures_of_test', 0);
  });

  it('counts what came too late for correlations, and finds it when it looks again', async () => {
    await addGuessing();
    const startMs = Date.now() - 3_600_000;
    const at = (ms: number): string => new Date(startMs + ms).toISOString();
    await server.record([
      { ...failure, time: at(0) },
      { ...failure, time: at(1000) },
      { ...failure, time: at(2000) },
    ]);
    // Time goes on, and then one comes that belongs to those.
    await server.record({ action: 'other', time: at(1_800_000) });
    await server.record({ ...failure, time: at(3000) });
    await caughtUp();
    await alertsOf('failures_of_test', 0);
    const { trails } = await server.json<DetectionStatus>('/v1/detection');
    expect(trails.find(({ trail }) => trail === 'main')).toMatchObject({ late: 1, entries: 5 });
    const range = {
      since: new Date(startMs).toISOString(),
      until: new Date(Date.now() + 60_000).toISOString(),
    };
    const first = await sendJson<Backfill>('POST', '/v1/detection/backfill', range);
    expect(first).toMatchObject({ entries: 5, amended: 0, withdrawn: 0, leftOut: [] });
    expect(first.added).toBeGreaterThan(0);
    const [alert] = await alertsOf('failures_of_test', 1);
    expect(alert!.entries).toEqual([0, 1, 2, 4]);
    expect(await sendJson('POST', '/v1/detection/backfill', range)).toEqual({
      ...{ entries: 5, added: 0, amended: 0, withdrawn: 0, leftOut: [] },
    });
    await alertsOf('failures_of_test', 1);
    expect(server.entries('system').filter(({ action }) => action === 'detection.backfill')).toHaveLength(2);
  });

  it('shows alerts to those alone who may see what they are about', async () => {
    await addGuessing();
    await server.json('/v1/trails', {
      method: 'POST',
      body: JSON.stringify({ name: 'other' }),
      headers: { 'content-type': 'application/json' },
    });
    await server.record(
      ['acme', 'umbrella'].flatMap((tenant) => Array.from({ length: 4 }, () => ({ ...failure, tenant }))),
    );
    await server.record(Array.from({ length: 4 }, () => ({ ...failure, trail: 'other' })));
    const all = await alertsOf('failures_of_test', 3);
    const limited = await server.token({ role: 'analyst', trails: ['main'], tenants: ['acme'] });
    const seen = async (path: string): Promise<AlertPage> =>
      JSON.parse((await server.send(path, { token: limited.secret })).text) as AlertPage;
    expect((await seen('/v1/alerts')).alerts.map(({ tenant }) => tenant)).toEqual(['acme']);
    for (const { id, tenant } of all) {
      const { status } = await server.send(`/v1/alerts/${id}`, { token: limited.secret });
      expect([tenant, status]).toEqual([tenant, tenant === 'acme' ? 200 : 404]);
    }
    for (const [method, path] of [
      ['GET', '/v1/silences'],
      ['GET', '/v1/detection'],
      ['DELETE', '/v1/rules/failures_of_test'],
    ] as const)
      expect((await server.send(path, { method, token: limited.secret })).status).toBe(403);
    const reader = await server.token({ role: 'read' });
    expect((await server.send('/v1/alerts', { token: reader.secret })).status).toBe(403);
  });

  it('pages through alerts, and streams them to whoever follows, who misses none', async () => {
    await addGuessing();
    await using stream = await followStream(server, '/v1/alerts/stream', adminSecret);
    for (let n = 0; n < 5; n++)
      await server.record(
        Array.from({ length: 4 }, () => ({ ...failure, actor: { type: 'user', id: `u_${n}` } })),
      );
    const streamed = (await stream.take(5)).map(({ data }) => JSON.parse(data) as Alert);
    expect(new Set(streamed.map(({ entity }) => entity['actor.id'])).size).toBe(5);
    const paged: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: AlertPage = await server.json(
        `/v1/alerts?rule=failures_of_test&limit=2${cursor && `&cursor=${cursor}`}`,
      );
      paged.push(...page.alerts.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(paged.sort()).toEqual(streamed.map(({ id }) => id).sort());
    await using again = await followStream(server, '/v1/alerts/stream', adminSecret, {
      'last-event-id': String(streamed[2]!.revision),
    });
    const rest = (await again.take(2)).map(({ id }) => Number(id));
    expect(rest).toEqual(streamed.slice(3).map(({ revision }) => revision));
    // Somebody who followed another database sees all that is in this one.
    await using stranger = await followStream(server, '/v1/alerts/stream', adminSecret, {
      'last-event-id': '999999',
    });
    expect((await stranger.take(5)).map(({ id }) => Number(id))).toEqual(
      streamed.map(({ revision }) => revision),
    );
  });

  it('tells a channel that is new of what is open already', async () => {
    await addGuessing();
    await server.record(Array.from({ length: 4 }, () => failure));
    const [alert] = await alertsOf('failures_of_test', 1);
    await using receiver = await Receiver.start();
    await sendJson(
      'POST',
      '/v1/channels',
      { name: 'new', target: { kind: 'webhook', url: receiver.url }, timers: { waitMs: 0 } },
      201,
    );
    await vi.waitFor(
      () =>
        expect(receiver.received.map(({ body }) => (JSON.parse(body) as Notification).data.alert.id)).toEqual(
          [alert!.id],
        ),
      waiting,
    );
  });

  it('verifies the log now and then, and says what it found', async () => {
    await using own = await startServer({ verifyEveryMs: 100 });
    await own.record([failure, failure]);
    const verified = (): Record<string, unknown>[] =>
      own.entries('system').filter(({ action }) => action === 'log.verify');
    await vi.waitFor(() => {
      expect(verified().filter(({ outcome }) => outcome === 'success')).toContainEqual(
        expect.objectContaining({
          targets: [{ type: 'trail', id: 'main' }],
          metadata: { trail: 'main', size: 2, coveredSize: 2, codes: [] },
        }),
      );
    }, waiting);
    // Somebody changes an entry of the tail.
    const db = new Database(path.join(own.dir, 'log.db'));
    const { data } = db.prepare<[], { data: Buffer }>('SELECT data FROM tail ORDER BY trail, start').get()!;
    const changed = Buffer.from(data.toString('latin1').replace('"u_1"', '"u_2"'), 'latin1');
    db.prepare('UPDATE tail SET data = ? WHERE data = ?').run(changed, data);
    db.close();
    await vi.waitFor(() => {
      expect(verified()).toContainEqual(
        expect.objectContaining({
          outcome: 'failure',
          severity: 'critical',
          metadata: expect.objectContaining({ trail: 'main', codes: ['modified'] }) as unknown,
        }),
      );
    }, waiting);
  });

  it('says in metrics and readiness whether it runs and how far it is', async () => {
    await server.record([failure, failure]);
    await caughtUp();
    const { parts } = await server.json<{ parts: object }>('/readyz');
    expect(parts).toEqual({ log: 'ready', search: 'ready', detection: 'ready' });
    await vi.waitFor(async () => {
      const { text } = await server.send('/metrics');
      expect(text).toMatch(/^sealtrail_detection_up 1$/m);
      expect(text).toMatch(/^sealtrail_detection_behind 0$/m);
      expect(text).toMatch(/^sealtrail_notifications_dead 0$/m);
    }, waiting);
  });

  it('answers for nothing where it is turned off', async () => {
    await using off = await startServer();
    const { status, text } = await off.send('/readyz');
    expect([status, JSON.parse(text)]).toMatchObject([200, { parts: { detection: 'off' } }]);
    expect(problemOf(await off.send('/v1/alerts'))).toMatchObject({ code: 'detection_unavailable' });
  });
});
