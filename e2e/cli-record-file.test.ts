import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { IngestResponse } from '@sealtrail/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordFile } from '../packages/server/dist/cli/record-file.js';
import { ServerApi } from '../packages/server/dist/cli/server-api.js';
import { Command, type Outcome, run } from './support/command-line.ts';
import { adminSecret, startServer, type TestServer } from './support/server.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-test-'));
const file = path.join(dir, 'events.jsonl');
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

const record = (args: readonly string[], url = server.url): Promise<Outcome> =>
  run(['record', ...args], { environment: { SEALTRAIL_URL: url, SEALTRAIL_TOKEN: adminSecret } });

const count = 25_000;
const lineOf = (i: number): string => `{"action":"line.${i}","metadata":{"i":${i}}}`;
const write = (lines: readonly string[]): void => writeFileSync(file, `${lines.join('\n')}\n`);
const all = Array.from({ length: count }, (_, i) => lineOf(i));
/** Which lines the log holds, in its order. */
const stored = (from: number): unknown[] =>
  server.entries('main', from).map(({ metadata }) => (metadata as { i: number }).i);
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** A way to the server on which answers get lost: those of which `loses` says so, by their number. */
async function lossyWay(
  loses: (answer: number) => boolean,
): Promise<AsyncDisposable & { readonly url: string }> {
  const { hostname, port } = new URL(server.url);
  const sockets = new Set<Socket>();
  let answers = 0;
  const way = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    client.pipe(upstream);
    client.on('close', () => upstream.destroy());
    upstream.on('data', (chunk: Buffer) => {
      if (chunk.subarray(0, 5).toString() === 'HTTP/' && loses(answers++)) client.destroy();
      else client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(way.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => way.close(resolve));
    },
  };
}

describe('record of a file that is larger than a request', () => {
  it('stores each line once and in order', async () => {
    const from = server.size();
    write(all);
    const { code, stdout } = await record([file]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${count} events stored, 0 refused\n` });
    expect(stored(from)).toEqual(numbers(0, count));
  });

  it('stops at the first line that is refused, says which, and goes on from there when it is mended', async () => {
    const from = server.size();
    write(all.with(12_345, '{"action":7}').with(20_000, 'no JSON').toSpliced(3, 0, '', ''));
    const { code, stdout, stderr } = await record([file, '--json']);
    expect(code).toBe(1);
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string; details: object[] } };
    expect(error).toMatchObject({
      code: 'invalid_event',
      message: expect.stringMatching(/^line 12348: \/action: /),
      details: [{ line: 12_348, position: 12_345, pointer: '/action' }],
    });
    expect((JSON.parse(stdout) as IngestResponse).receipts).toHaveLength(12_000);
    expect(stored(from)).toEqual(numbers(0, 12_000));

    const [, name] = /--run (\S+),/.exec(error.message)!;
    write(all.toSpliced(3, 0, '', ''));
    const again = await record([file, '--run', name!]);
    expect(again).toMatchObject({ code: 0, stdout: `${count} events stored, 0 refused\n` });
    expect(stored(from)).toEqual(numbers(0, count));
  });

  it('stores the good lines with --partial, and names the others', async () => {
    const from = server.size();
    const bad = [0, 7_000, 7_001, 24_999];
    write(all.map((line, i) => (bad.includes(i) ? '{"action":7}' : line)));
    for (const _ of ['once', 'again']) {
      const { code, stdout } = await record([file, '--partial', '--json', '--run', 'import of today']);
      expect(code).toBe(1);
      const { receipts, errors } = JSON.parse(stdout) as IngestResponse;
      expect(receipts).toHaveLength(count - bad.length);
      expect(errors).toMatchObject(bad.map((i) => ({ position: i, line: i + 1, pointer: '/action' })));
      expect(stored(from)).toEqual(numbers(0, count).filter((i) => !bad.includes(i)));
    }
  });

  it('goes on with --partial where a whole request is refused', async () => {
    const from = server.size();
    write(all.map((line, i) => (i >= 1000 && i < 2000 ? '{"action":7}' : line)));
    const { stdout, stderr } = await record([file, '--partial']);
    expect(stdout).toBe(`${count - 1000} events stored, 1000 refused\n`);
    expect(stderr.split('\n')[0]).toMatch(/^line 1001: \/action /);
    expect(stored(from)).toEqual([...numbers(0, 1000), ...numbers(2000, count)]);
  });

  it.each(['', '--partial'])(
    'sends again what was not answered, and stores it once (%s)',
    async (partial) => {
      const from = server.size();
      write(all.slice(0, 5000));
      await using way = await lossyWay((answer) => answer === 1 || answer === 2 || answer === 5);
      const { code, stdout } = await record([file, ...(partial ? [partial] : [])], way.url);
      expect({ code, stdout }).toEqual({ code: 0, stdout: '5000 events stored, 0 refused\n' });
      expect(stored(from)).toEqual(numbers(0, 5000));
    },
  );

  it('says what is not known when the server stays away, and how to go on', async () => {
    const from = server.size();
    const lines = all.slice(0, 1500);
    await using way = await lossyWay((answer) => answer > 0);
    const { signal } = new AbortController();
    const api = new ServerApi({ url: way.url, token: adminSecret }, signal);
    const outcome = { receipts: [], errors: [] };
    const chunks = Readable.from([Buffer.from(lines.join('\n'))]);
    const options = { api, chunks, run: 'some name', isPartial: false, signal, pauseMs: 1 };
    await expect(recordFile(options, outcome)).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringMatching(
        /the lines before 1001 are recorded; of lines 1001 to 1500 it is not known; .*--run some name,/,
      ),
    });
    expect(outcome.receipts).toHaveLength(1000);
    write(lines);
    expect((await record([file, '--run', 'some name'])).code).toBe(0);
    expect(stored(from)).toEqual(numbers(0, 1500));
  });

  it('says no more than that there is no server where there is none', async () => {
    const closed = await lossyWay(() => true);
    await closed[Symbol.asyncDispose]();
    const { code, stdout, stderr } = await record([file, '--json'], closed.url);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string } };
    expect(error.code).toBe('storage_unavailable');
    expect(error.message).not.toContain('--run');
  });
});

describe('record of an input that does not end', () => {
  const open = (): Command =>
    new Command(['record', '-'], {
      environment: { SEALTRAIL_URL: server.url, SEALTRAIL_TOKEN: adminSecret },
      input: null,
    });

  it('stores lines while it goes on', async () => {
    const from = server.size();
    await using command = open();
    for (let i = 0; i < 3; i++) {
      command.process.stdin!.write(`${lineOf(i)}\n`);
      await expect.poll(() => stored(from), { timeout: 30_000 }).toEqual(numbers(0, i + 1));
    }
    expect(await command.end('SIGINT')).toEqual({
      code: 130,
      stdout: '3 events stored, 0 refused\n',
      stderr: expect.stringContaining('--run'),
    });
  });

  it('ends when a line is refused', async () => {
    await using command = open();
    command.process.stdin!.write('{"action":7}\n');
    const { code, stderr } = await command.ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining('line 1: /action')]);
  });
});
