import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { EventPage, NewToken } from '@sealtrail/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Command, type Outcome, run } from './support/command-line.ts';
import { adminSecret, problemOf, startServer, type TestServer } from './support/server.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-test-'));
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

const sources = fileURLToPath(new URL('../sources/fixtures/', import.meta.url));
/** What the fixtures of a source are made of. */
const fixturesOf = (
  name: string,
): readonly {
  readonly record?: object;
  readonly line?: string;
  readonly event: { readonly action: string };
}[] => parse(readFileSync(path.join(sources, `${name}.yml`), 'utf8'));
const write = (name: string, content: string | Uint8Array): string => {
  const file = path.join(dir, name);
  writeFileSync(file, content);
  return file;
};
const importing = (args: readonly string[], input?: string): Promise<Outcome> =>
  run(['import', ...args], {
    environment: { SEALTRAIL_URL: server.url, SEALTRAIL_TOKEN: adminSecret },
    ...(input !== undefined && { input }),
  });

/** Said of records that happened long ago. */
const historyTold = /^the first of them happened at \S+: .* `sealtrail rules backfill --trail \S+`; .*\n$/;

interface Answer {
  readonly accepted: number;
  readonly duplicates: number;
  readonly skipped: number;
  readonly rejected: number;
  readonly deadLetters: readonly { readonly position: number; readonly code: string }[];
}
const post = (
  pathAndQuery: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Answer> => server.json<Answer>(`/v1/sources/${pathAndQuery}`, { method: 'POST', body, headers });
const counts = ({ accepted, duplicates, skipped, rejected }: Answer): readonly number[] => [
  accepted,
  duplicates,
  skipped,
  rejected,
];

const line = (i: number): string =>
  `Feb 12 14:10:21 h sshd[${i}]: Failed password for root from 192.0.2.7 port 22 ssh2`;

describe.each(['aws-cloudtrail', 'okta', 'github-audit', 'syslog', 'access-log'])('%s', (name) => {
  const fixtures = fixturesOf(name);
  // Each fixture is a record of its own, whatever its id: some share one.
  const texts = fixtures.map(({ record, line: text }) => text ?? JSON.stringify(record));
  const actions = fixtures.map(({ event }) => event.action).sort();

  it('is imported once by HTTP, and can be searched', async () => {
    const trail = `http-${name}`;
    const body = texts.join('\n');
    expect(counts(await post(`${name}?trail=${trail}`, body))).toEqual([texts.length, 0, 0, 0]);
    expect(counts(await post(`${name}?trail=${trail}`, body))).toEqual([0, texts.length, 0, 0]);
    expect(server.size(trail)).toBe(texts.length);
    const { events } = await server.json<EventPage>(
      `/v1/events?trail=${trail}&after=${texts.length - 1}&limit=100`,
    );
    expect(events.map(({ entry }) => entry.action).sort()).toEqual(actions);
    const source = await server.json<EventPage>(
      `/v1/events?trail=${trail}&metadata.source=${name}&limit=100`,
    );
    expect(source.events).toHaveLength(texts.length);
  });

  it('is imported once by the command line, and is the same there', async () => {
    const trail = `cli-${name}`;
    const file = write(`${name}.log`, texts.join('\n'));
    for (const [expected, told] of [
      [`${texts.length} records stored, 0 known already, 0 passed over, 0 refused\n`, historyTold],
      [`0 records stored, ${texts.length} known already, 0 passed over, 0 refused\n`, /^$/],
    ] as const)
      expect(await importing(['--format', name, '--trail', trail, file])).toEqual({
        code: 0,
        stdout: expected,
        stderr: expect.stringMatching(told),
      });
    // What was imported in one way is known in the other.
    expect(counts(await post(`${name}?trail=${trail}`, texts.join('\n')))).toEqual([0, texts.length, 0, 0]);
    const ids = (of: string): unknown[] => server.entries(of).map(({ id }) => id);
    expect(ids(trail)).toEqual(ids(`http-${name}`));
  });
});

describe('POST /v1/sources', () => {
  it('takes what the vendors deliver: arrays, envelopes, compressed', async () => {
    const records = fixturesOf('aws-cloudtrail').map(({ record }) => record);
    const whole = JSON.stringify({ Records: records });
    const trail = 'forms';
    expect(counts(await post(`cloudtrail?trail=${trail}`, gzipSync(whole)))[0]).toBe(records.length);
    for (const [body, headers] of [
      [JSON.stringify(records, null, 2), {}],
      [gzipSync(whole), { 'content-encoding': 'gzip' }],
      [zstdCompressSync(whole), { 'content-encoding': 'zstd', 'content-type': 'application/json' }],
      [gzipSync(gzipSync(whole)), { 'content-encoding': 'gzip', 'content-type': 'application/gzip' }],
    ] as const)
      expect(counts(await post(`aws-cloudtrail?trail=${trail}`, body, headers))).toEqual([
        0,
        records.length,
        0,
        0,
      ]);
  });

  it('reads lines without a year and a zone against the time that is given', async () => {
    const trail = 'clock';
    await post(`syslog?trail=${trail}&at=2021-03-01T00:00:00%2B02:00`, line(1));
    expect(server.entries(trail)[0]).toMatchObject({ time: '2021-02-12T12:10:21.000Z' });
  });

  it('puts records where the token may write, and for its tenant', async () => {
    const { secret: token } = await server.token({ role: 'ingest', trails: ['tenants'], tenants: ['acme'] });
    const send = (query: string): ReturnType<TestServer['send']> =>
      server.send(`/v1/sources/syslog?${query}`, { method: 'POST', body: line(1), token });
    await server.json('/v1/trails', {
      method: 'POST',
      body: '{"name":"tenants"}',
      headers: { 'content-type': 'application/json' },
    });
    expect((await send('trail=tenants')).status).toBe(201);
    expect(server.entries('tenants')[0]).toMatchObject({ tenant: 'acme' });
    for (const query of ['', 'trail=main', 'trail=tenants&tenant=other', 'trail=system'])
      expect(problemOf(await send(query)).code).toBe('forbidden');
    expect(problemOf(await server.send('/v1/sources/syslog/dead-letters', { token })).code).toBe('forbidden');
  });

  it('refuses gzip that is none and bombs, and says so', async () => {
    const bad = await server.send('/v1/sources/okta', {
      method: 'POST',
      body: Buffer.from([0x1f, 0x8b, 1, 2, 3]),
    });
    expect(problemOf(bad).code).toBe('malformed_json');
    const bomb = await server.send('/v1/sources/syslog', {
      method: 'POST',
      body: gzipSync(Buffer.alloc(300 * 1024 * 1024, 0x20)),
    });
    expect(problemOf(bomb).code).toBe('body_too_large');
  });

  it('counts records by what became of them', async () => {
    const before = await metrics();
    await post('syslog?trail=counted', `${line(1)}\n${line(2)}\nbroken\nFeb 12 14:10:21 h cron[1]: x`);
    await post('syslog?trail=counted', line(1));
    const after = await metrics();
    const grown = (outcome: string): number => (after.get(outcome) ?? 0) - (before.get(outcome) ?? 0);
    expect(['accepted', 'duplicate', 'skipped', 'dead'].map(grown)).toEqual([2, 1, 1, 1]);
  });
});

/** Records of syslog by their outcome. */
async function metrics(): Promise<ReadonlyMap<string, number>> {
  const { text } = await server.send('/metrics');
  const found = text.matchAll(/sealtrail_source_records_total\{source="syslog",outcome="(\w+)"\} (\d+)/g);
  return new Map(Array.from(found, ([, outcome, count]) => [outcome!, Number(count)]));
}

describe('dead letters of the server', () => {
  interface Page {
    readonly deadLetters: readonly {
      readonly id: number;
      readonly position: number;
      readonly code: string;
      readonly text: string;
      readonly trail: string;
    }[];
    readonly dropped: number;
    readonly nextAfter: number | null;
  }
  const page = (query = ''): Promise<Page> =>
    server.json<Page>(`/v1/sources/access-log/dead-letters${query}`);

  it('hold no secret, as entries do not', async () => {
    await using own = await startServer();
    const post = { method: 'POST', headers: { 'content-type': 'text/plain' } };
    await own.json('/v1/sources/access-log', { ...post, body: 'GET /?password=hunter2secret&a=b broken' });
    const { text } = await own.send('/v1/sources/access-log/dead-letters');
    expect(text).toContain('password=[redacted:key]');
    for (const name of ['state.db', 'state.db-wal'])
      expect(readFileSync(path.join(own.dir, name)).includes('hunter2secret')).toBe(false);
  });

  it('are kept until they have been dealt with, are in no log, and reading them is recorded', async () => {
    const from = server.size('system');
    const logged = server.logs.length;
    const answer = await post('nginx', 'secret-person did it\n\nanother line\n');
    expect(answer.deadLetters.map(({ position, code }) => [position, code])).toEqual([
      [1, 'malformed_line'],
      [3, 'malformed_line'],
    ]);
    await post('nginx', 'secret-person did it\n');
    await post('nginx?keep=false', 'not kept\n');
    const first = await page('?limit=1');
    expect(first.deadLetters).toMatchObject([
      { position: 1, code: 'malformed_line', text: 'secret-person did it', trail: 'main' },
    ]);
    const second = await page(`?after=${first.nextAfter}`);
    expect(second.deadLetters.map(({ text }) => text)).toEqual(['another line']);
    expect([second.dropped, second.nextAfter]).toEqual([0, null]);
    const removed = await server.json(`/v1/sources/access-log/dead-letters?through=${first.nextAfter}`, {
      method: 'DELETE',
    });
    expect(removed).toEqual({ removed: 1 });
    expect((await page()).deadLetters.map(({ text }) => text)).toEqual(['another line']);
    expect(server.entries('system', from).map(({ action }) => action)).toEqual([
      ...['dead_letter.read', 'dead_letter.read', 'dead_letter.delete', 'dead_letter.read'],
    ]);
    expect(server.logs.slice(logged).join('')).not.toContain('secret-person');
  });

  it('are for tokens without limits alone', async () => {
    const wanted: readonly Omit<NewToken, 'name'>[] = [
      { role: 'auditor' },
      { role: 'ingest' },
      { role: 'admin', trails: ['main'] },
      { role: 'admin', tenants: ['acme'] },
    ];
    for (const one of wanted) {
      const { secret: token } = await server.token(one);
      for (const method of ['GET', 'DELETE'])
        expect(problemOf(await server.send('/v1/sources/okta/dead-letters', { method, token })).code).toBe(
          'forbidden',
        );
    }
  });
});

describe('sealtrail import', () => {
  it('goes on behind what is broken, names it, and fails', async () => {
    const file = write('broken.log', `${line(1)}\nbroken\n${line(2)}\nFeb 12 14:10:21 h cron[1]: x\n`);
    const { code, stdout, stderr } = await importing(['--format', 'sshd', '--trail', 'broken', file]);
    expect(code).toBe(1);
    expect(stdout).toBe('2 records stored, 0 known already, 1 passed over, 1 refused\n');
    expect(stderr).toMatch(/^the first of them .*\n2: expected a line of syslog \(malformed_line\)\n$/);
  });

  it('writes what is broken to a file that only its owner reads, from where it can be mended', async () => {
    const okta = '{"eventType":"user.session.start","uuid":"u-1","published":"2026-03-01T08:00:00Z"}';
    const file = write('broken.json', `${okta}\n{"eventType":\n{"x":1}\n`);
    const letters = path.join(dir, 'dead.jsonl');
    const args = ['--format', 'okta', '--trail', 'letters', '--dead-letters', letters, '--json', file];
    const { code, stdout } = await importing(args);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ accepted: 1, duplicates: 0, skipped: 0, rejected: 2 },
      deadLetters: [
        { position: 2, code: 'malformed_json' },
        { position: 3, code: 'unknown_record' },
      ],
    });
    expect(
      readFileSync(letters, 'utf8')
        .trim()
        .split('\n')
        .map((one) => JSON.parse(one)),
    ).toEqual([
      expect.objectContaining({ position: 2, offset: okta.length + 1, text: '{"eventType":' }),
      expect.objectContaining({ position: 3, text: '{"x":1}' }),
    ]);
    if (process.platform !== 'win32') expect(statSync(letters).mode & 0o777).toBe(0o600);
    const page = await server.json<{ deadLetters: readonly object[] }>('/v1/sources/okta/dead-letters');
    expect(page.deadLetters).toEqual([]);
  });

  it('stores what comes before a fault of gzip, and says where it is', async () => {
    const whole = gzipSync(`${Array.from({ length: 3000 }, (_, i) => line(i)).join('\n')}\n`);
    const followed = write('followed.log.gz', Buffer.concat([whole, Buffer.from('garbage')]));
    const all = await importing(['--format', 'syslog', '--trail', 'gzip-followed', followed]);
    expect(all.code).not.toBe(0);
    expect(all.stdout).toBe('3000 records stored, 0 known already, 0 passed over, 0 refused\n');
    expect(all.stderr).toMatch(/at byte \d+, \d+ bytes after decompression/);
    expect(all.stderr).not.toContain('request body');
    expect(server.size('gzip-followed')).toBe(3000);

    const cut = whole.subarray(0, whole.length / 2);
    const half = await importing(['--format', 'syslog', '--trail', 'cut', write('cut.log.gz', cut)]);
    expect(half.code).not.toBe(0);
    expect(half.stdout).toMatch(/^[1-9]\d* records stored, 0 known already, 0 passed over, 0 refused\n$/);
    expect(half.stderr).toContain(`at byte ${cut.length}, `);
    const stored = server.size('cut');
    expect(stored).toBeLessThan(3000);
    const sent = await server.send('/v1/sources/syslog?trail=cut', { method: 'POST', body: cut });
    expect(problemOf(sent).code).toBe('malformed_json');
    expect(server.size('cut')).toBeGreaterThanOrEqual(stored);
  });

  it('reads files of any size, compressed or not, and standard input, and keeps lines apart that are alike', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => line(i % 100));
    const file = write('large.log.gz', gzipSync(`${lines.join('\n')}\n`));
    const args = ['--format', 'syslog', '--trail', 'large'];
    const stored = await importing([...args, file]);
    expect(stored.stdout).toBe('5000 records stored, 0 known already, 0 passed over, 0 refused\n');
    expect(server.size('large')).toBe(5000);
    const again = await importing([...args, '-'], `${lines.join('\n')}\n${line(1)}\n`);
    expect(again.stdout).toBe('1 records stored, 5000 known already, 0 passed over, 0 refused\n');
  });

  it.each([
    ['no format', ['x.log']],
    ['a format that is none', ['--format', 'martian', 'x.log']],
    ['no file', ['--format', 'syslog']],
    ['a file that is not there', ['--format', 'syslog', '/nonexistent/x.log']],
    ['a time that is none', ['--format', 'syslog', '--at', 'noon', '-']],
    [
      'a folder that is not there for dead letters',
      ['--format', 'syslog', '--dead-letters', '/nonexistent/x', '-'],
    ],
  ])('says with 2 that it was called with %s', async (_name, args) => {
    expect((await importing(args)).code).toBe(2);
  });

  it('does not write over the log', async () => {
    const file = write('same.log', line(1));
    expect((await importing(['--format', 'syslog', '--dead-letters', file, file])).code).toBe(2);
    expect(readFileSync(file, 'utf8')).toBe(line(1));
  });

  it('sends on what has come while more may come, and ends at a signal, saying how to go on', async () => {
    await using command = new Command(['import', '--format', 'syslog', '--trail', 'followed', '-'], {
      environment: { SEALTRAIL_URL: server.url, SEALTRAIL_TOKEN: adminSecret },
      input: null,
    });
    command.process.stdin!.write(`${line(1)}\n`);
    while (server.size('followed') < 1) await new Promise((resolve) => setTimeout(resolve, 20));
    const { code, stdout, stderr } = await command.end('SIGINT');
    expect(code).toBe(130);
    expect(stdout).toBe('1 records stored, 0 known already, 0 passed over, 0 refused\n');
    expect(stderr).toMatch(/nothing is stored twice/);
  });

  it('does not believe an answer that does not account for every record', async () => {
    const liar = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end('{"accepted":1,"duplicates":0,"skipped":0,"rejected":0,"deadLetters":[]}');
    });
    await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
    const { port } = liar.address() as AddressInfo;
    const file = write('two.log', `${line(1)}\n${line(2)}\n`);
    const { code, stderr } = await run(['import', '--format', 'syslog', file], {
      environment: { SEALTRAIL_URL: `http://127.0.0.1:${port}`, SEALTRAIL_TOKEN: adminSecret },
    });
    liar.close();
    expect(code).toBe(1);
    expect(stderr).toContain('not_delivered');
  });
});
