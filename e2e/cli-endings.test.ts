import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyFolder } from '../packages/server/dist/index.js';
import { bin, Command, run, startServing } from './support/command-line.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-endings-'));
const token = 'endings-test-admin-token-0123456789';
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A server that takes requests and never answers. */
class SilentServer {
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();
  readonly asked: Promise<void>;

  constructor() {
    const asked = Promise.withResolvers<void>();
    this.asked = asked.promise;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).once('data', () => asked.resolve());
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

describe('the first signal', () => {
  const policy = path.join(dir, 'policy.txt');
  beforeAll(() => writeFileSync(policy, 'quorum none\n'));

  it.each([
    'query',
    'tail',
    'trail list',
    'alert list',
    'alert tail',
    'silence list',
    'channel list',
    'rules status',
    'prove 01970000-0000-7000-8000-000000000000',
    'record --action a.b',
    'record -',
    `verify --policy ${policy}`,
  ])('ends `%s` on a silent server, without a word', async (line) => {
    const args = line.split(' ');
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      using silent = new SilentServer();
      const input = args.includes('-') ? null : '';
      await using command = new Command([...args, '--url', await silent.listen()], { input });
      if (args.includes('-')) command.process.stdin!.write('{"action":"a.b"}\n');
      await silent.asked;
      expect(await command.end(signal)).toEqual({ code, stdout: '', stderr: '' });
    }
  });
});

describe('a reader of the output that goes away', () => {
  const data = path.join(dir, 'data');

  it('ends commands quietly, and a server in order', async () => {
    const { command: server, url } = await startServing(['--data', data, '--port', '0'], {
      environment: { SEALTRAIL_ADMIN_TOKEN: token },
    });
    await using _server = server;
    const environment = { SEALTRAIL_URL: url, SEALTRAIL_TOKEN: token };
    const lines = Array.from({ length: 1000 }, (_, i) => JSON.stringify({ action: 'a.b', reason: `r${i}` }));
    expect((await run(['record', '-'], { environment, input: lines.join('\n') })).code).toBe(0);

    await using query = new Command(['query', '--limit', '1000'], { environment });
    query.process.stdout!.destroy();
    expect(await query.ended).toMatchObject({ code: 141, stderr: '' });
    await using tail = new Command(['tail', '--from', '0'], { environment });
    tail.process.stdout!.destroy();
    expect(await tail.ended).toMatchObject({ code: 141, stderr: '' });

    server.process.stdout!.destroy();
    expect((await server.end('SIGTERM')).code).toBe(0);
    expect((await verifyFolder(data)).trails.find(({ trail }) => trail === 'main')).toMatchObject({
      size: 1000,
      coveredSize: 1000,
    });
  });

  it.skipIf(process.platform !== 'linux')('is told apart from a full disk', async () => {
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', `"${process.execPath}" "${bin}" --version > /dev/full`],
      {
        encoding: 'utf8',
      },
    );
    expect(status).toBe(1);
    expect(stderr).toContain('ENOSPC');
  });
});

describe('tail', () => {
  it('fails at once where there is no server or no address, with the exit code of each', async () => {
    const none = await run(['tail', '--url', 'http://127.0.0.1:1', '--json']);
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(none.stderr)).toMatchObject({ error: { code: 'storage_unavailable' } });
    const wrong = await run(['tail', '--url', 'ftp://x', '--json']);
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(JSON.parse(wrong.stderr)).toMatchObject({ error: { code: 'invalid_configuration' } });
  });

  it('says that it reconnects when its server is killed, and goes on without losing or repeating', async () => {
    const data = path.join(dir, 'tailed');
    const serve = (port: string) =>
      startServing(['--data', data, '--port', port], { environment: { SEALTRAIL_ADMIN_TOKEN: token } });
    const first = await serve('0');
    await using firstServer = first.command;
    const environment = { SEALTRAIL_URL: first.url, SEALTRAIL_TOKEN: token };
    const record = (action: string) => run(['record', '--action', action], { environment });
    // One has seen events when the connection is lost, the other none.
    await using all = new Command(['tail', '--json', '--from', '0'], { environment });
    await record('before.kill');
    await all.stdoutMatch(/before\.kill/);
    await using fresh = new Command(['tail', '--json'], { environment });
    // It follows from when the server has recorded that it does.
    const follows = async (): Promise<number> =>
      (
        JSON.parse(
          (await run(['query', '--trail', 'system', 'action:event.stream', '--json'], { environment }))
            .stdout,
        ) as { events: object[] }
      ).events.length;
    await expect.poll(follows, { timeout: 20_000 }).toBe(2);

    await firstServer.end('SIGKILL');
    await Promise.all([all, fresh].map((tail) => tail.stderrMatch(/reconnecting/)));
    const second = await serve(new URL(first.url).port);
    await using _second = second.command;
    await record('after.kill');
    await Promise.all([all, fresh].map((tail) => tail.stdoutMatch(/after\.kill/)));
    await record('the.last');
    await Promise.all([all, fresh].map((tail) => tail.stdoutMatch(/the\.last/)));
    const actions = async (tail: Command): Promise<string[]> =>
      (await tail.end('SIGINT')).stdout
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { entry: { action: string } }).entry.action);
    expect(await actions(all)).toEqual(['before.kill', 'after.kill', 'the.last']);
    expect(await actions(fresh)).toEqual(['after.kill', 'the.last']);
  });
});

describe('record', () => {
  it.each(['/nope', '.'])('refuses %s before it asks a server, with exit code 2', async (file) => {
    const { code, stdout, stderr } = await run(['record', file, '--url', 'http://127.0.0.1:1', '--json']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'invalid_parameter' } });
  });
});
