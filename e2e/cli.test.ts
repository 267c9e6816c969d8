import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Command, type Outcome, run, startServing } from './support/command-line.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-cli-'));
const data = path.join(dir, 'data');
const token = 'cli-test-admin-token-0123456789';

let url = '';
let server: Command;

const environment = (): Record<string, string> => ({ SEALTRAIL_URL: url, SEALTRAIL_TOKEN: token });

/** Runs one command line to its end, against the server. */
const sealtrail = (
  args: readonly string[],
  input = '',
  more: Record<string, string> = {},
): Promise<Outcome> => run(args, { input, environment: { ...environment(), ...more } });

async function serve(): Promise<void> {
  const started = await startServing(['--data', data, '--port', '0'], {
    environment: { SEALTRAIL_ADMIN_TOKEN: token },
  });
  server = started.command;
  url = started.url;
}

describe('the command line', () => {
  beforeAll(serve);
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  it('records one event by its parts, and many from standard input', async () => {
    const one = await sealtrail([
      'record',
      '--action',
      'user.login',
      '--actor',
      'u_12',
      '--outcome',
      'failure',
      '--json',
    ]);
    expect(one.code).toBe(0);
    expect((JSON.parse(one.stdout) as { receipts: object[] }).receipts).toMatchObject([
      { trail: 'main', index: 0 },
    ]);
    const lines = Array.from({ length: 30 }, (_, i) =>
      JSON.stringify({ action: 'invoice.refund', actor: { type: 'user', id: `u_${i}` } }),
    );
    const many = await sealtrail(['record', '-'], lines.join('\n'));
    expect(many).toMatchObject({ code: 0, stdout: '30 events stored, 0 refused\n' });
  });

  it('names the event at fault and stores nothing of a bad file, or the good ones with --partial', async () => {
    const lines = '{"action":"a.b"}\n{"action":7}\n';
    const refused = await sealtrail(['record', '-', '--json'], lines);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stderr)).toMatchObject({
      error: { code: 'invalid_event', details: [{ position: 1, pointer: '/action' }] },
    });
    const partial = await sealtrail(['record', '-', '--partial', '--json'], lines);
    expect(partial.code).toBe(1);
    expect(JSON.parse(partial.stdout)).toMatchObject({
      receipts: [{ index: 31 }],
      errors: [{ position: 1 }],
    });
  });

  it('searches, as a table and as JSON, page by page', async () => {
    const first = await sealtrail(['query', 'action:invoice.*', 'actor:u_1*', '--limit', '5', '--json']);
    const page = JSON.parse(first.stdout) as { events: { index: number }[]; nextCursor: string };
    expect(page.events).toHaveLength(5);
    const second = await sealtrail([
      'query',
      'action:invoice.*',
      'actor:u_1*',
      '--limit',
      '50',
      '--cursor',
      page.nextCursor,
      '--json',
    ]);
    expect((JSON.parse(second.stdout) as typeof page).events).toHaveLength(6);
    const table = await sealtrail(['query', 'actor:u_12', 'outcome:failure']);
    expect(table.stdout).toContain('user.login');
    expect((await sealtrail(['query', 'acton:user.login'])).code).toBe(2);
  });

  it('does not let an event write control characters to the terminal', async () => {
    await sealtrail(
      ['record', '-'],
      JSON.stringify({ action: 'x.y', actor: { type: 'user', id: 'evil\u001b[2J\u202e' } }),
    );
    const { stdout } = await sealtrail(['query', 'action:x.y']);
    expect(stdout).toContain('evil');
    expect([...stdout].some((c) => c === '\u001b' || c === '\u202e')).toBe(false);
  });

  it('follows events, and goes on where it was', async () => {
    await using tail = new Command(['tail', '--json', '--from', '0', 'action:user.login'], {
      environment: environment(),
    });
    const [line] = await tail.stdoutMatch(/.*\n/);
    expect(JSON.parse(line)).toMatchObject({ index: 0, entry: { action: 'user.login' } });
    expect((await tail.end('SIGTERM')).code).toBe(143);
  });

  it('makes tokens that can do what their role says, until they are revoked', async () => {
    const created = JSON.parse(
      (await sealtrail(['token', 'create', 'shop', '--role', 'ingest', '--json'])).stdout,
    ) as { id: string; secret: string };
    const asShop = { SEALTRAIL_TOKEN: created.secret };
    expect((await sealtrail(['record', '--action', 'a.b'], '', asShop)).code).toBe(0);
    expect((await sealtrail(['query'], '', asShop)).stderr).toContain('forbidden');
    expect((await sealtrail(['token', 'revoke', created.id])).code).toBe(0);
    expect((await sealtrail(['record', '--action', 'a.b'], '', asShop)).stderr).toContain('unauthenticated');
    expect((await sealtrail(['token', 'list'])).stdout).toContain('revoked');
  });

  it('makes trails, and prints the policy that verification needs', async () => {
    expect((await sealtrail(['trail', 'create', 'billing'])).stdout).toContain('/billing+');
    expect((await sealtrail(['trail', 'create', 'billing'])).stderr).toContain('trail_exists');
    const { stdout } = await sealtrail(['trail', 'policy']);
    writeFileSync(path.join(dir, 'policy.txt'), stdout);
    expect(stdout.match(/^log /gm)).toHaveLength(3);
  });

  it('verifies the running server as a client that remembers', async () => {
    const args = ['verify', '--url', url, '--policy', path.join(dir, 'policy.txt'), '--json'];
    for (const _ of [1, 2])
      expect(JSON.parse((await sealtrail(args)).stdout)).toMatchObject({ ok: true, code: 'intact' });
    expect(readFileSync(path.join(dir, 'policy.txt.seen'), 'utf8')).toContain('main');
    expect((await sealtrail(['verify', '--url', url])).code).toBe(2);
  });

  it('proves an event', async () => {
    const page = JSON.parse((await sealtrail(['query', 'outcome:failure', '--json'])).stdout) as {
      events: { entry: { id: string } }[];
    };
    const { stdout } = await sealtrail(['prove', page.events[0]!.entry.id]);
    expect(stdout.split('\n')[0]).toBe('c2sp.org/tlog-proof@v1');
  });

  it('verifies a proof without the log, and that it is of this very entry', async () => {
    const page = JSON.parse((await sealtrail(['query', 'outcome:failure', '--json'])).stdout) as {
      events: { entry: { id: string } }[];
    };
    const { stdout } = await sealtrail(['prove', page.events[0]!.entry.id, '--json']);
    const file = path.join(dir, 'proof.json');
    const policy = path.join(dir, 'policy.txt');
    const check = (text: string, ...more: string[]) => {
      writeFileSync(file, text);
      return sealtrail(['verify', file, '--policy', policy, ...more]);
    };
    const good = await check(stdout);
    expect([good.code, good.stdout]).toEqual([0, expect.stringContaining('✓ intact: entry ')]);
    const bad = await check(stdout.replaceAll('"u_12"', '"u_13"'), '--json');
    expect([bad.code, JSON.parse(bad.stdout)]).toEqual([1, expect.objectContaining({ code: 'modified' })]);
    for (const nonsense of ['', '[]', '{"entry":1,"proof":"x"}', '{"entry":{}}'])
      expect((await check(nonsense)).code).toBe(2);
    writeFileSync(file, stdout);
    expect((await sealtrail(['verify', file])).stderr).toContain('expected --policy');
    expect((await sealtrail(['verify', file, '--policy', policy, '--data', data])).code).toBe(2);
  });

  it('refuses a second process on the data folder, and looks at it beside the first', async () => {
    const second = await sealtrail(['serve', '--data', data, '--port', '0']);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('data_folder_locked');
    expect((await sealtrail(['rebuild', '--data', data])).stderr).toContain('data_folder_locked');
    expect((await sealtrail(['doctor', '--data', data, '--json'])).code).toBe(0);
  });

  it('stops on a signal, verifies offline, rebuilds, and finds a changed byte', async () => {
    expect((await server.end('SIGTERM')).code).toBe(0);
    const policy = path.join(dir, 'policy.txt');
    expect((await sealtrail(['verify', '--data', data, '--policy', policy])).code).toBe(0);
    expect((await sealtrail(['rebuild', '--data', data, '--json'])).code).toBe(0);
    const tampered = path.join(dir, 'tampered');
    cpSync(data, tampered, { recursive: true });
    const log = readFileSync(path.join(tampered, 'log.db'));
    // Everywhere: SQLite keeps old copies in pages that are no longer in use.
    for (let at = log.indexOf('"u_12"'); at >= 0; at = log.indexOf('"u_12"', at + 1)) log.write('"u_13"', at);
    writeFileSync(path.join(tampered, 'log.db'), log);
    const verdict = await sealtrail(['verify', '--data', tampered, '--policy', policy, '--json']);
    expect(verdict.code).toBe(1);
    expect(JSON.parse(verdict.stdout)).toMatchObject({ ok: false, code: 'modified' });
    const checks = (
      JSON.parse(verdict.stdout) as {
        trails: { trail: string; checks: { status: string; firstIndex?: number }[] }[];
      }
    ).trails.find(({ trail }) => trail === 'main')!.checks;
    const firstBad = checks.find(
      ({ status, firstIndex }) => status === 'failed' && firstIndex !== undefined,
    )?.firstIndex;
    expect(firstBad).toBe(0);
  });

  it('starts again on what is there, with search as it was', async () => {
    await serve();
    expect((await sealtrail(['query', 'action:user.login', '--json'])).stdout).toContain('u_12');
  });

  it('takes the data folder from SEALTRAIL_DATA alike for every command that needs one', async () => {
    const there = { SEALTRAIL_DATA: data };
    expect((await sealtrail(['serve', '--port', '0'], '', there)).stderr).toContain('data_folder_locked');
    expect((await sealtrail(['rebuild'], '', there)).stderr).toContain('data_folder_locked');
    expect((await sealtrail(['doctor', '--json'], '', there)).code).toBe(0);
    expect((await sealtrail(['verify', '--json'], '', there)).code).toBe(0);
    // What is given explicitly goes before it, a server too.
    const nowhere = { SEALTRAIL_DATA: path.join(dir, 'nowhere') };
    expect((await sealtrail(['verify'], '', nowhere)).stderr).toContain('data_folder_invalid');
    expect((await sealtrail(['verify', '--data', data], '', nowhere)).code).toBe(0);
    const overServer = ['verify', '--url', url, '--policy', path.join(dir, 'policy.txt')];
    expect((await sealtrail(overServer, '', nowhere)).code).toBe(0);
    for (const command of ['verify', 'rebuild', 'doctor'])
      expect((await sealtrail([command], '', { SEALTRAIL_DATA: '' })).code).toBe(2);
  });

  it('serves no folder with the files of others, and none that cannot be made', async () => {
    const foreign = path.join(dir, 'project');
    mkdirSync(foreign);
    writeFileSync(path.join(foreign, 'package.json'), '{}');
    const nowhere = process.platform === 'linux' ? '/proc/x' : path.join(foreign, 'package.json', 'x');
    for (const folder of [foreign, nowhere]) {
      const { code, stderr } = await sealtrail(['serve', '--data', folder, '--port', '0']);
      expect(code).toBe(2);
      expect(stderr).toContain('data_folder_invalid');
    }
    expect(readdirSync(foreign)).toEqual(['package.json']);
  });

  it('says what to do when its port is taken', async () => {
    const { port } = new URL(url);
    const other = await sealtrail(['serve', '--data', path.join(dir, 'other'), '--port', port]);
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/another port.*\(address_unavailable\)/);
  });

  it('answers bad usage with exit code 2', async () => {
    for (const args of [
      ['nope'],
      ['verify'],
      ['record'],
      ['token', 'create', 'x', '--role', 'king'],
      ['verify', '--data', path.join(dir, 'nowhere')],
    ]) {
      expect({ args, code: (await sealtrail(args)).code }).toEqual({ args, code: 2 });
    }
  });

  it('says when no server answers', async () => {
    const { code, stderr } = await sealtrail(['query', '--url', 'http://127.0.0.1:1']);
    expect(code).toBe(1);
    expect(stderr).toContain('no server answers');
  });
});
