import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openSealtrail, verifyFolder } from '../packages/server/dist/index.js';
import { Command, type Outcome, run } from './support/command-line.ts';

/** Types commands into a new shell, as somebody does who copies them off the screen. */
function type(commands: string): Promise<Outcome> {
  // Where sealtrail is installed, a newcomer's shell does not know of it.
  const { SEALTRAIL_URL: _url, SEALTRAIL_TOKEN: _token, ...env } = process.env;
  return new Promise((resolve) => {
    execFile('sh', ['-ec', commands], { env, cwd: tmpdir() }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr });
    });
  });
}

/** The commands in what the demo prints: the lines that are set in, from one that begins so on. */
function commandsIn(text: string, from: string): string {
  const start = text.indexOf(`\n  ${from}`);
  if (start < 0) throw new Error(`expected a command ${from} in ${text}`);
  return text
    .slice(start)
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .join('\n');
}

describe('the demo', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-demo-test-'));
  const data = path.join(dir, 'data');
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('runs a shop whose traffic, the attack included, can be found and verified afterwards', async () => {
    const { code, stdout } = await run(['demo', '--data', data, '--port', '0', '--rounds', '1']);
    expect(code).toBe(0);
    expect(stdout).toContain('ATTACK');
    const alerts = stdout.match(/^ {2}ALERT (?:low|medium|high|critical): .+$/gm) ?? [];
    expect(alerts.length).toBeGreaterThan(3);
    expect(new Set(alerts).size).toBe(alerts.length);
    expect((await verifyFolder(data)).code).toBe('intact');

    await using log = await openSealtrail({ dir: data });
    const last = log.trails().find(({ name }) => name === 'main')!.size - 1;
    const guesses = await log.query({
      q: 'action:user.login outcome:failure ip:203.0.113.0/24',
      after: last,
      limit: 100,
    });
    const attackers = new Set(guesses.events.map(({ entry }) => entry.source?.ip));
    expect(guesses.events.length).toBeGreaterThan(5);
    expect(attackers.size).toBe(1);
    const [attacker] = attackers;
    for (const action of ['user.login', 'role.change', 'export.download']) {
      const { events } = await log.query({ q: `action:${action} outcome:success ip:${attacker}` });
      expect({ action, found: events.length > 0 }).toEqual({ action, found: true });
    }
    const captured = await log.query({ q: 'category:api_activity ip:203.0.113.0/24' });
    expect(captured.events.some(({ entry }) => entry.context?.http?.route === '/session')).toBe(true);
  });

  it.skipIf(process.platform === 'win32')(
    'prints commands that work where it was started, while it runs and when it has ended',
    async () => {
      const kept = path.join(dir, 'it’s kept');
      await using demo = new Command(['demo', '--data', kept, '--port', '0'], { input: null });
      await demo.stdoutMatch(/ATTACK.* downloads/);
      const shown = commandsIn(demo.stdout.split('Ctrl-C', 1)[0]!, 'cd ').split('\n');
      const first = await type(shown.filter((line) => !line.endsWith(' tail')).join('\n'));
      expect(first).toMatchObject({ code: 0, stderr: '' });
      for (const found of ['user.login', 'event.search', 'alr_', 'intact'])
        expect(first.stdout).toContain(found);

      const [guide] = await demo.stdoutMatch(/(?<=Look at the worst.*\n)(?: {2}.*\n)+/);
      const exports = shown.filter((line) => /^ {2}(?:cd|export) /.test(line)).join('\n');
      const triage = await type(`${exports}\n${guide}`);
      expect(triage).toMatchObject({ code: 0, stderr: '' });
      expect(triage.stdout).toMatch(/level +(?:high|critical)/);
      expect(triage.stdout).toContain('resolved: true positive');

      const { code, stdout } = await demo.end('SIGINT');
      expect(code).toBe(0);
      const tampering = await type(commandsIn(stdout.slice(stdout.indexOf('events were recorded')), 'cd '));
      expect(tampering.code).toBe(1);
      await using log = await openSealtrail({ dir: kept });
      const size = log.trails().find(({ name }) => name === 'main')!.size;
      // What was under way in the shop may still have come behind it.
      const { events } = await log.query({ q: 'action:demo.end', after: size - 1 });
      expect(tampering.stdout).toContain(`entries: modified, entry ${events[0]!.index}\n`);
      const visitors = log.engine.tokens.list().filter(({ name }) => name === 'demo visitor');
      expect(visitors.map(({ revokedAt }) => typeof revokedAt)).toEqual(['string']);
    },
  );

  it('leaves nothing behind where it could not start', async () => {
    const scratch = path.join(dir, 'scratch');
    mkdirSync(scratch);
    const occupier = createServer();
    await new Promise<void>((resolve) => occupier.listen(0, '127.0.0.1', resolve));
    const { port } = occupier.address() as { port: number };
    const { code } = await run(['demo', '--port', String(port), '--rounds', '1'], {
      environment: { TMPDIR: scratch },
    });
    occupier.close();
    expect(code).toBe(1);
    expect(readdirSync(scratch)).toEqual([]);
  });
});
