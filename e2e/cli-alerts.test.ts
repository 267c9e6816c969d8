import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type Alert,
  type AlertDetails,
  type AlertPage,
  type AlertStats,
  type Backfill,
  backfillSchema,
  type DetectionStatus,
  type Rule,
  type Silence,
} from '@sealtrail/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Command, type Outcome, run } from './support/command-line.ts';
import { guessing } from './support/guessing.ts';
import { adminSecret, startServer, type TestServer } from './support/server.ts';

const waiting = { timeout: 20_000 };
const unknown = 'alr_000000000000000000000000';

const rules = guessing(60);

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ detection: true });
});
afterAll(() => server[Symbol.asyncDispose]());

const environment = (token = adminSecret): Record<string, string> => ({
  SEALTRAIL_URL: server.url,
  SEALTRAIL_TOKEN: token,
});
const sealtrail = (...args: readonly string[]): Promise<Outcome> => run(args, { environment: environment() });

/** What a command prints with `--json`, which has to succeed. */
async function told<T>(...args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await sealtrail(...args, '--json');
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as T;
}

/** Has somebody guess passwords, and gives the alert about it. */
async function alertAbout(actor: string, where: TestServer = server): Promise<Alert> {
  const failure = { action: 'test.login', outcome: 'failure', actor: { type: 'user', id: actor } };
  await where.record([
    { action: 'test.other' },
    ...Array.from({ length: 4 }, () => ({ ...failure, source: { ip: '192.0.2.7' } })),
  ]);
  return await vi.waitFor(async () => {
    const { alerts } = await where.json<AlertPage>('/v1/alerts?rule=failures_of_test');
    const found = alerts.find(({ entity }) => entity['actor.id'] === actor);
    if (found === undefined) throw new Error(`no alert about ${actor} yet`);
    return found;
  }, waiting);
}

describe('rules of a server, on the command line', () => {
  it('are added, enabled and disabled', async () => {
    const file = path.join(server.dir, 'rules-of-test.yml');
    await writeFile(file, rules);
    const added = await told<{ rules: Rule[] }>('rules', 'add', file);
    expect(added.rules.map(({ key, isEnabled }) => [key, isEnabled])).toEqual([
      ['failure_of_test', false],
      ['failures_of_test', false],
    ]);
    expect((await sealtrail('rules', 'enable', 'failures_of_test')).stdout).toBe(
      'Many failures is enabled\n',
    );
    expect((await sealtrail('rules', 'disable', 'failures_of_test')).code).toBe(2);
    const disabled = await told<Rule>('rules', 'disable', 'failures_of_test', '--reason', 'too many');
    expect(disabled.isEnabled).toBe(false);
    expect((await told<Rule>('rules', 'enable', 'failures_of_test')).isEnabled).toBe(true);
    const unknownRule = await sealtrail('rules', 'enable', 'nope');
    expect([unknownRule.code, unknownRule.stderr]).toEqual([1, expect.stringContaining('rule_not_found')]);
  });

  it('are refused with the line of what is wrong, also from standard input', async () => {
    const bad = rules.replace('{action: test.login', '{action|nope: test.login');
    const { code, stderr } = await run(['rules', 'add', '-'], { input: bad, environment: environment() });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/invalid_rule\)\n.*line 6, column/)]);
    for (const input of ['\u0000'.repeat(800_000), ''])
      expect((await run(['rules', 'add', '-'], { input, environment: environment() })).code).not.toBe(0);
  });

  it('tell how far they are', async () => {
    const status = await told<DetectionStatus>('rules', 'status');
    expect(status.trails.map(({ trail }) => trail)).toContain('main');
    const { stdout } = await sealtrail('rules', 'status', '--rules');
    expect(stdout).toMatch(/^\d+ rules are enabled, \d+ disabled/);
    expect(stdout).toMatch(/failures_of_test +high +enabled +custom +Many failures\n/);
  });

  it('look again at what was received', async () => {
    const { code, stdout } = await sealtrail('rules', 'backfill', '--trail', 'main', '--since', '1h');
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^\d+ entries looked at: \d+ findings added, \d+ amended, \d+ withdrawn\n/),
    ]);
    const result = await told<Backfill>('rules', 'backfill', '--since', '1h');
    expect(backfillSchema.safeParse(result).success).toBe(true);
    expect((await sealtrail('rules', 'backfill', '--since', 'soon')).code).toBe(2);
  });
});

describe('alerts, on the command line', () => {
  it('are listed, page by page, and filtered', async () => {
    const alert = await alertAbout('u_list1');
    await alertAbout('u_list2');
    const { stdout } = await sealtrail('alert', 'list', '--rule', 'failures_of_test');
    expect(stdout).toMatch(
      new RegExp(`${alert.id}  high +open +\\S+Z  Many failures  actor.id=u_list1 from 192.0.2.7 +1\n`),
    );
    const args = ['alert', 'list', '--rule', 'failures_of_test', '--limit', '1'];
    const first = await told<AlertPage>(...args, '--status', 'open,acknowledged', '--since', '1h');
    const second = await told<AlertPage>(
      ...[...args, '--status', 'open,acknowledged', '--since', '1h'],
      ...['--cursor', first.nextCursor!, '--min-level', 'high', '--trail', 'main'],
    );
    expect([...first.alerts, ...second.alerts].map(({ entity }) => entity['actor.id'])).toEqual([
      'u_list2',
      'u_list1',
    ]);
    expect((await sealtrail(...args)).stderr).toMatch(/^more: --cursor \S+\n$/);
    expect((await sealtrail('alert', 'list', '--status', 'resolved')).stdout).toBe('no alerts\n');
    for (const bad of [
      ['--status', 'closed'],
      ['--min-level', 'worst'],
      ['--since', 'tea time'],
      ['--limit', '0'],
      ['--cursor', 'x'],
    ])
      expect([bad, (await sealtrail('alert', 'list', ...bad)).code]).toEqual([bad, 2]);
  });

  it('are shown with what happened, in a terminal and as JSON', async () => {
    const { id, entries } = await alertAbout('u_show');
    const { code, stdout } = await sealtrail('alert', 'show', id);
    expect(code).toBe(0);
    for (const text of [
      'Many failures\n',
      'Somebody guesses passwords.\n',
      'actor.id = u_show',
      'opened by the server',
    ])
      expect(stdout).toContain(text);
    const shown = stdout.split('\n').filter((line) => line.includes('test.login'));
    expect(shown.map((line) => Number(line.trim().split(' ')[0]))).toEqual(entries);
    expect(stdout).not.toContain('test.other');
    const details = await told<AlertDetails>('alert', 'show', id);
    expect([details.alert.id, details.findings.length]).toEqual([id, 1]);
    const missing = await sealtrail('alert', 'show', unknown);
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('alert_not_found')]);
    expect((await sealtrail('alert', 'show', 'alr_1')).code).toBe(2);
    expect((await sealtrail('alert', 'show')).code).toBe(2);
  });

  it('are shown as far as the token reaches', async () => {
    const { id } = await alertAbout('u_reach');
    const { secret } = await server.token({ role: 'analyst', trails: ['main'] });
    const { code, stdout } = await run(['alert', 'show', id], { environment: environment(secret) });
    expect(code).toBe(0);
    expect(stdout).toContain('test.login');
    expect(stdout).not.toContain('Somebody guesses passwords.');
  });

  it('go through their life, several at once', async () => {
    const alerts = [await alertAbout('u_life1'), await alertAbout('u_life2')];
    const ids = alerts.map(({ id }) => id);
    const acked = await sealtrail('alert', 'ack', ...ids, '--note', 'on it');
    expect(acked.stdout).toBe(ids.map((id) => `${id}  acknowledged\n`).join(''));
    expect((await sealtrail('alert', 'assign', ids[0]!, '--to', 'u_9')).stdout).toContain('assigned to u_9');
    expect((await told<Alert>('alert', 'note', ids[0]!, 'two', 'words')).status).toBe('assigned');
    const resolved = await told<Alert>('alert', 'resolve', ids[0]!, '--as', 'false_positive');
    expect(resolved).toMatchObject({ status: 'resolved', disposition: 'false_positive' });
    await told<Alert>('alert', 'reopen', ids[0]!);
    const duplicate = await told<Alert>(
      ...['alert', 'resolve', ids[0]!, '--as', 'duplicate', '--duplicate-of', ids[1]!],
    );
    expect(duplicate.duplicateOf).toBe(ids[1]);
    const { steps } = await told<AlertDetails>('alert', 'show', ids[0]!);
    expect(steps.map(({ action, note }) => [action, note])).toEqual([
      ['open', null],
      ['acknowledge', 'on it'],
      ['assign', null],
      ['note', 'two words'],
      ['resolve', null],
      ['reopen', null],
      ['resolve', null],
    ]);
    const refused = await sealtrail('alert', 'ack', ids[0]!, '--json');
    expect([refused.code, JSON.parse(refused.stderr)]).toMatchObject([
      1,
      { error: { code: 'alert_not_open' } },
    ]);
    for (const bad of [
      ['resolve', ids[1]!],
      ['resolve', ids[1]!, '--as', 'nothing'],
      ['resolve', ids[1]!, '--as', 'duplicate', '--duplicate-of', 'x'],
      ['assign', ids[1]!],
      ['assign', ids[1]!, '--to', ''],
      ['note', ids[1]!],
      ['ack'],
      ['ack', ids[1]!, 'alr_2'],
    ])
      expect([bad, (await sealtrail('alert', ...bad)).code]).toEqual([bad, 2]);
  });

  it('are counted', async () => {
    await alertAbout('u_count');
    const stats = await told<AlertStats>('alert', 'stats', '--rule', 'failures_of_test');
    const { stdout } = await sealtrail('alert', 'stats', '--rule', 'failures_of_test');
    expect(stdout.startsWith(`${stats.total} alerts\n`)).toBe(true);
    expect(stdout).toContain(`${stats.total} high`);
  });

  it('are followed, across a restart of the server, without a loss or a repeat', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'sealtrail-alert-tail-'));
    let own = await startServer({ dir, detection: true });
    const { port } = new URL(own.url);
    for (const [where, body] of [
      ['/v1/rules', { yaml: rules }],
      ['/v1/rules/failures_of_test/enable', {}],
    ] as const)
      await own.json(where, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      });
    const ownEnvironment = { SEALTRAIL_URL: own.url, SEALTRAIL_TOKEN: adminSecret };
    await using all = new Command(['alert', 'tail', '--json', '--from', '0', '--min-level', 'high'], {
      environment: ownEnvironment,
    });
    await alertAbout('u_first', own);
    await all.stdoutMatch(/u_first.*\n/);
    await own[Symbol.asyncDispose]();
    await all.stderrMatch(/connection lost; reconnecting\n/);
    own = await startServer({ dir, port: Number(port), detection: true });
    const last = await alertAbout('u_second', own);
    await all.stderrMatch(/connected again\n/);
    await all.stdoutMatch(/u_second.*\n/);
    const { code, stdout } = await all.end('SIGTERM');
    expect(code).toBe(143);
    const revisions = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as Alert).revision);
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
    await using lines = new Command(['alert', 'tail', '--from', String(last.revision - 1)], {
      environment: ownEnvironment,
    });
    const [line] = await lines.stdoutMatch(/.*\n/);
    expect(line).toMatch(/^alr_\w+ +high +open .*Many failures +actor.id=u_second/);
    expect((await lines.end('SIGINT')).code).toBe(130);
    await own[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
    expect((await sealtrail('alert', 'tail', '--from', 'x')).code).toBe(2);
  });
});

describe('silences, on the command line', () => {
  const why = ['--owner', 'u_9', '--reason', 'a test of ours'];

  it('are made, listed and ended', async () => {
    const made = await told<Silence>(
      ...['silence', 'add', '--rule', 'failures_of_test', '--max-level', 'high', '--trail', 'main'],
      ...['--entity', 'actor.id=u=1', 'count:=4', 'is.new:=true', '--for', '2h', ...why],
    );
    expect(made).toMatchObject({
      match: { maxLevel: 'high', entity: { 'actor.id': 'u=1', count: 4, 'is.new': true } },
      state: 'active',
      owner: 'u_9',
    });
    expect(Date.parse(made.endsAt) - Date.parse(made.startsAt)).toBeLessThanOrEqual(7_200_000);
    const later = await sealtrail(
      ...['silence', 'add', '--tenant', 'acme', ...why],
      ...['--from', '2100-01-01T00:00:00Z', '--until', '2100-01-02T00:00:00+01:00'],
    );
    expect(later.stdout).toMatch(/^sil_\w+ from 2100-01-01T00:00:00Z until 2100-01-01T23:00:00Z\n$/);
    const { stdout } = await sealtrail('silence', 'list', '--active');
    expect(stdout).toContain('actor.id=u=1');
    expect(stdout).not.toContain('acme');
    expect((await sealtrail('silence', 'end', made.id)).stdout).toBe(`${made.id} has ended\n`);
    const { silences } = await told<{ silences: Silence[] }>('silence', 'list');
    expect(silences.map(({ state }) => state)).toEqual(['pending', 'ended']);
    expect((await sealtrail('silence', 'end', 'sil_nope')).stderr).toContain('silence_not_found');
  });

  it('keep to what a silence can be', async () => {
    const about = ['silence', 'add', '--rule', 'x'];
    for (const bad of [
      ['silence', 'add', '--for', '2h', ...why],
      [...about, ...why],
      [...about, '--for', '2h'],
      [...about, '--for', '2h', '--until', '2100-01-01T00:00:00Z', ...why],
      [...about, '--for', '2', ...why],
      [...about, '--for', '999999999w', ...why],
      [...about, '--until', 'tomorrow', ...why],
      [...about, '--for', '2h', '--entity', 'actor.id', ...why],
      [...about, '--for', '2h', '--entity', 'actor.id:=u_1', ...why],
      [...about, '--for', '2h', '--max-level', 'x', ...why],
      ['silence', 'end'],
    ])
      expect([bad, (await sealtrail(...bad)).code]).toEqual([bad, 2]);
    expect((await sealtrail(...about, '--for', '500d', ...why)).code).toBe(1);
  });
});
