import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './support/command-line.ts';

const failure = `
title: Failed sign-in
id: 5d0e0f5c-8d0c-4a0c-9d83-6f0c1f3a0001
name: failed_sign_in
logsource: {product: sealtrail, category: authentication}
detection:
  selection: {action: user.login, outcome: failure}
  condition: selection
level: informational
description: A sign-in that failed.
sealtrail:
  tests:
    - {name: a failure, match: true, event: {action: user.login, outcome: failure}}
    - {name: a success, match: false, event: {action: user.login, outcome: success}}
`;
const bruteForce = `
title: Brute force
id: 5d0e0f5c-8d0c-4a0c-9d83-6f0c1f3a0002
level: high
description: Many failed sign-ins of one account.
correlation:
  type: event_count
  rules: [failed_sign_in]
  group-by: [actor.id]
  timespan: 5m
  condition: {gte: 3}
sealtrail:
  tests:
    - name: three in a minute
      match: true
      events: [{times: 3, every: 6s, event: {action: user.login, outcome: failure, actor: {id: u_1}}}]
    - name: three of three accounts
      match: false
      events: [{times: 3, every: 6s, vary: actor.id, event: {action: user.login, outcome: failure, actor: {id: u_}}}]
`;
const refunds = `
title: Refund
id: 5d0e0f5c-8d0c-4a0c-9d83-6f0c1f3a0003
logsource: {product: sealtrail}
detection:
  selection: {action: invoice.refund}
  condition: selection
`;

describe('sealtrail rules', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-rules-'));
  const write = (name: string, text: string): string => {
    const file = path.join(dir, name);
    writeFileSync(file, text);
    return file;
  };
  let rules: string;
  beforeAll(() => {
    rules = write('rules.yml', `${failure}---${bruteForce}---${refunds}`);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const matchesOf = (stdout: string): unknown[][] =>
    stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => Object.values(JSON.parse(line) as object));
  const login = (minute: number, id = 'u_1'): string =>
    JSON.stringify({
      time: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
      action: 'user.login',
      outcome: 'failure',
      actor: { id },
    });

  it('eval prints each match with its line and rule, correlations by the event that completed them', async () => {
    const events = [
      login(0),
      '',
      login(20),
      login(2),
      login(1),
      '{"action":"invoice.refund"}',
      login(1, 'u_2'),
    ].join('\n');
    const { code, stdout, stderr } = await run(['rules', 'eval', '--rules', rules, '--events', '-'], {
      input: events,
    });
    // A rule that a correlation is over is no finding by itself.
    expect(matchesOf(stdout)).toEqual([
      [5, '5d0e0f5c-8d0c-4a0c-9d83-6f0c1f3a0003'],
      [3, '5d0e0f5c-8d0c-4a0c-9d83-6f0c1f3a0002'],
    ]);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('eval takes folders, JSON Lines of rules, and events with their log source', async () => {
    const lines = write('rules.jsonl', `${JSON.stringify({ id: 'any', yaml: refunds })}\n`);
    const refund = { action: 'invoice.refund' };
    const events = write(
      'events.jsonl',
      [
        refund,
        { logsource: { product: 'sealtrail' }, event: refund },
        { logsource: { product: 'aws' }, event: refund },
      ]
        .map((event) => JSON.stringify(event))
        .join('\n'),
    );
    for (const given of [lines, dir]) {
      const { stdout } = await run(['rules', 'eval', '--rules', given, '--events', events]);
      expect(matchesOf(stdout).map(([line]) => line)).toEqual([0, 1]);
    }
  });

  it('eval names the line that is no event, and rules that it leaves out', async () => {
    const broken = write('broken.yml.txt', `${refunds}---\ntitle: x\ndetection: {}\n`);
    const { code, stdout, stderr } = await run(['rules', 'eval', '--rules', broken, '--events', '-'], {
      input: '{"action":"invoice.refund"}\nnonsense\n',
    });
    expect(code).toBe(2);
    expect(stderr).toContain('left out: ');
    expect(stderr).toContain('broken.yml.txt:9:1: expected a logsource');
    expect(stderr).toContain('-:2: expected an event');
    expect(stdout).toBe('');
  });

  it.each(['eval', 'list', 'backtest', 'lint', 'test'])(
    '%s fails where no rule can be used, and where there is none',
    async (name) => {
      const argumentsOf = (file: string): string[] => {
        if (name === 'eval') return ['--rules', file, '--events', '-'];
        return name === 'backtest' ? ['--rules', file, '--data', dir] : [file];
      };
      const bad = write('unusable.txt', refunds.replace('action:', 'action|startwith:'));
      const { code, stdout, stderr } = await run(['rules', name, ...argumentsOf(bad)], { input: '' });
      expect([code, stdout + stderr]).toEqual([1, expect.stringContaining('unusable.txt:6:')]);
      const none = write('none.txt', '# nothing\n');
      expect((await run(['rules', name, ...argumentsOf(none)], { input: '' })).code).toBe(2);
    },
  );

  it('test runs the tests of rules and fails where one comes out otherwise', async () => {
    expect((await run(['rules', 'test', rules, '--json'])).code).toBe(0);
    const wrong = write('wrong.txt', failure.replace('a success, match: false', 'a success, match: true'));
    const { code, stdout } = await run(['rules', 'test', wrong, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      passed: 1,
      failures: [{ rule: '5d0e0f5c-8d0c-4a0c-9d83-6f0c1f3a0001', test: 'a success', expected: true }],
    });
  });

  it('lint fails for what cannot be used, with its line, and hints at what is probably not meant', async () => {
    const good = await run(['rules', 'lint', rules, '--json']);
    expect([good.code, JSON.parse(good.stdout).hints.length]).toEqual([0, 2]);
    const bad = write('bad.txt', refunds.replace('action:', 'action|startwith:'));
    const { code, stdout } = await run(['rules', 'lint', bad, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ rules: 0, faults: [{ file: bad, line: 6 }] });
  });

  it('explain says which part of a rule does not hold, and what the event has there', async () => {
    const args = ['rules', 'explain', '--rules', rules, '--rule', 'failed_sign_in', '--events', '-'];
    const input = '{"action":"user.login","outcome":"success"}';
    const { stdout } = await run([...args, '--json'], { input });
    expect(JSON.parse(stdout)).toMatchObject({
      matches: false,
      explanation: {
        op: 'and',
        parts: [
          { field: 'action', holds: true, identifier: 'selection' },
          { field: 'outcome', holds: false, found: ['success'], values: [{ text: '"failure"' }] },
        ],
      },
    });
    expect((await run(args, { input })).stdout).toContain('does not match: Failed sign-in');
  });

  it('eval names rules that need to know where addresses are, and refuses what is no such database', async () => {
    const places = write(
      'places.yml',
      `title: From afar
name: from_afar
logsource: {product: sealtrail}
detection:
  selection: {sealtrail.geo.country: FR}
  condition: selection
---
title: A script
name: a_script
logsource: {product: sealtrail}
detection:
  selection: {sealtrail.user_agent.kind: library}
  condition: selection
`,
    );
    const events = write('from-afar.jsonl', '{"source":{"ip":"192.0.2.1","userAgent":"curl/8.5.0"}}\n');
    const found = await run(['rules', 'eval', '--rules', places, '--events', events]);
    expect(found.stdout).toBe('{"event":0,"rule":"a_script"}\n');
    expect(found.stderr).toContain('from_afar: sealtrail.geo.country');
    const refused = await run([
      'rules',
      'eval',
      '--rules',
      places,
      '--events',
      events,
      '--locations',
      places,
    ]);
    expect(refused.stderr).toContain('invalid_configuration');
    expect(refused.code).toBe(2);
  });

  it('explain shows what follows from a user agent', async () => {
    const agents = write(
      'agents.yml',
      `title: A script
name: a_script
logsource: {product: sealtrail}
detection:
  selection: {sealtrail.user_agent.kind: library}
  condition: selection
`,
    );
    const events = write('agents.jsonl', '{"source":{"userAgent":"curl/8.5.0"}}\n');
    const told = await run(['rules', 'explain', '--rules', agents, '--rule', 'a_script', '--events', events]);
    expect(told.stdout).toContain('sealtrail.user_agent.kind is "library"');
  });

  it('list shows rules of every kind', async () => {
    const { stdout } = await run(['rules', 'list', rules, '--json']);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).kind),
    ).toEqual(['detection', 'detection', 'event_count']);
  });
});
