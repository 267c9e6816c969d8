// npm run bench [-- --large] [--only name]: every row stands beside its limit, measured in the same run.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTreeHasher } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { nativeSha256 } from '../packages/server/dist/adapters/native-sha256.js';
import { openSealtrail, verifyFolder } from '../packages/server/dist/index.js';
import { median, percentile, sampleEvent } from './events.ts';

const here = path.dirname(fileURLToPath(import.meta.url));
const isLarge = process.argv.includes('--large');
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;
const runs = 3;
const token = 'bench-token-0123456789abcdef';
const work = mkdtempSync(path.join(tmpdir(), 'sealtrail-bench-'));

interface Row {
  readonly what: string;
  readonly value: string;
  readonly limit: string;
  readonly ratio: string;
}
type SampleEvent = Parameters<Awaited<ReturnType<typeof openSealtrail>>['recordAll']>[0][number];
const rows: Row[] = [];

const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`;
function add(what: string, value: number, limitName: string, limit: number): void {
  const row = {
    what,
    value: perSecond(value),
    limit: `${limitName} ${perSecond(limit)}`,
    ratio: (value / limit).toFixed(2),
  };
  rows.push(row);
  console.log(`${row.what.padEnd(52)} ${row.value.padStart(12)}   of ${row.limit} = ${row.ratio}`);
}
function note(what: string, value: string): void {
  rows.push({ what, value, limit: '', ratio: '' });
  console.log(`${what.padEnd(52)} ${value.padStart(12)}`);
}
const wanted = (name: string): boolean => only === undefined || only === name;

console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}; medians of ${runs} runs`);
try {
  const texts = Array.from({ length: 20_000 }, (_, i) => JSON.stringify(sampleEvent(i)));
  const buffers = texts.map((text) => Buffer.from(text));
  note(
    'bytes of a sample event',
    String(Math.round(buffers.reduce((sum, b) => sum + b.length, 0) / buffers.length)),
  );
  const hashing = measure(() => hashAll(buffers), buffers.length);
  const sqlite = measure(() => insertAll(buffers), buffers.length);
  if (wanted('append')) await appendInProcess(hashing, sqlite);
  if (wanted('http')) await overHttp();
  if (wanted('search') || wanted('verify')) await searchAndVerify(hashing);
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Median of events a second. */
function measure(work: () => void, events: number): number {
  const rates: number[] = [];
  for (let i = 0; i < runs; i++) {
    const startMs = performance.now();
    work();
    rates.push((events / (performance.now() - startMs)) * 1000);
  }
  return median(rates);
}

/** The limit of any tree: a leaf hash and a node hash for each event. */
function hashAll(buffers: readonly Buffer[]): void {
  const hasher = createTreeHasher(nativeSha256);
  let root = hasher.emptyRoot;
  for (const buffer of buffers) root = hasher.nodeHash(root, hasher.leafHash(buffer));
}

/** The limit of any durable store on SQLite: the same bytes in batches of 1,000, synced. */
function insertAll(buffers: readonly Buffer[]): void {
  const file = path.join(work, 'plain.db');
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE event (id INTEGER PRIMARY KEY, data BLOB NOT NULL)');
  const insert = db.prepare('INSERT INTO event (data) VALUES (?)');
  for (let i = 0; i < buffers.length; i += 1000) {
    db.transaction(() => {
      for (const buffer of buffers.slice(i, i + 1000)) insert.run(buffer);
    })();
  }
  db.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
}

async function appendInProcess(hashing: number, sqlite: number): Promise<void> {
  const count = 200_000;
  // The same events again and again, without ids: a heap full of samples would measure its own garbage collection.
  const samples = Array.from({ length: 2000 }, (_, i) => sampleEvent(i, false) as unknown as SampleEvent);
  for (const batch of [100, 1000]) {
    const rates: number[] = [];
    for (let run = 0; run < runs; run++) {
      const dir = path.join(work, `append-${batch}-${run}`);
      const log = await openSealtrail({ dir });
      const startMs = performance.now();
      const running: Promise<unknown>[] = [];
      for (let i = 0; i < count; i += batch) {
        running.push(log.recordAll(samples.slice(i % samples.length, (i % samples.length) + batch)));
        // A producer that waits for receipts, with some requests on their way.
        if (running.length >= 40_000 / batch) await running.shift();
      }
      await Promise.all(running);
      rates.push((count / (performance.now() - startMs)) * 1000);
      await log.close();
      rmSync(dir, { recursive: true, force: true });
    }
    const rate = median(rates);
    add(`append in process, ${batch} events a request`, rate, 'plain SQLite insert', sqlite);
    add(`append in process, ${batch} events a request`, rate, 'hashing alone', hashing);
  }
}

async function overHttp(): Promise<void> {
  const echo = await startProcess([path.join(here, 'echo.ts')]);
  const server = await startServer(path.join(work, 'http'));
  try {
    for (const connections of [1, 64]) {
      for (const events of [1, 100]) {
        const limit = await load(`${echo.url}/`, connections, events);
        const own = await load(`${server.url}/v1/events`, connections, events);
        add(
          `HTTP, ${events} events a request, ${connections} connections`,
          own.eventsPerSecond,
          'bare echo',
          limit.eventsPerSecond,
        );
        note(`  latency of a request`, `p50 ${own.p50Ms.toFixed(1)} ms, p99 ${own.p99Ms.toFixed(1)} ms`);
      }
    }
  } finally {
    await stop(echo.process);
    await stop(server.process);
  }
}

async function searchAndVerify(hashing: number): Promise<void> {
  const count = isLarge ? 10_000_000 : 1_000_000;
  const dir = path.join(work, 'search');
  let log = await openSealtrail({ dir });
  const batch = 2000;
  let lastIndex = 0;
  const startMs = performance.now();
  const running: Promise<readonly { index: number }[]>[] = [];
  for (let i = 0; i < count; i += batch) {
    running.push(
      log.recordAll(
        Array.from({ length: batch }, (_, j) => sampleEvent(i + j)) as unknown as Parameters<
          typeof log.recordAll
        >[0],
      ),
    );
    if (running.length >= 8) await running.shift();
  }
  for (const receipts of await Promise.all(running)) lastIndex = Math.max(lastIndex, receipts.at(-1)!.index);
  const appendedMs = performance.now();
  for (;;) {
    const found = await log.query({ limit: 1, after: lastIndex }).catch(() => undefined);
    if (found) break;
  }
  note(
    `search: entries searchable, sustained over ${(count / 1e6).toFixed(0)} million`,
    perSecond((count / (performance.now() - startMs)) * 1000),
  );
  note('  lag at the end of the load', `${Math.round(performance.now() - appendedMs)} ms`);

  const lags: number[] = [];
  for (let i = 0; i < 50; i++) {
    const { index } = await log.record(sampleEvent(i) as unknown as Parameters<typeof log.record>[0]);
    const sentMs = performance.now();
    await log.query({ limit: 1, after: index });
    lags.push(performance.now() - sentMs);
  }
  note(
    '  lag of one event, from receipt to search',
    `p50 ${percentile(lags, 0.5).toFixed(1)} ms, p99 ${percentile(lags, 0.99).toFixed(1)} ms`,
  );

  const queries = [
    'actor:u_12',
    'actor:u_12 outcome:failure',
    'action:invoice.*',
    'refund',
    'target:inv_4242',
    'since:24h outcome:failure ip:192.0.2.0/28',
    'mozilla linux -outcome:success',
  ];
  for (const q of queries) {
    const times: number[] = [];
    for (let i = 0; i < 20; i++) {
      const queryMs = performance.now();
      await log.query({ q, limit: 50 });
      times.push(performance.now() - queryMs);
    }
    note(
      `  query ${q}`,
      `p50 ${percentile(times, 0.5).toFixed(1)} ms, p95 ${percentile(times, 0.95).toFixed(1)} ms`,
    );
  }
  const countMs = performance.now();
  await log.count('actor.id', { q: 'outcome:failure' });
  note('  count by actor.id of outcome:failure', `${(performance.now() - countMs).toFixed(0)} ms`);
  await log.close();

  const bytes = { log: size(path.join(dir, 'log.db')), index: size(path.join(dir, 'index')) };
  const entries = count + 50;
  note('bytes an entry: log', String(Math.round(bytes.log / entries)));
  note('bytes an entry: index', String(Math.round(bytes.index / entries)));

  const rates: number[] = [];
  for (let run = 0; run < runs; run++) {
    const verifyMs = performance.now();
    const verdict = await verifyFolder(dir);
    if (!verdict.ok) throw new Error(`the bench's own log does not verify: ${verdict.code}`);
    rates.push((entries / (performance.now() - verifyMs)) * 1000);
  }
  add('verify', median(rates), 'hashing alone', hashing);
  log = await openSealtrail({ dir });
  await log.close();
}

function size(file: string): number {
  const stat = statSync(file);
  return stat.isDirectory()
    ? readdirSync(file).reduce((sum, name) => sum + size(path.join(file, name)), 0)
    : stat.size;
}

async function startServer(dir: string): Promise<{ process: ChildProcess; url: string }> {
  const bin = path.join(here, '../packages/server/bin/sealtrail.mjs');
  return startProcess([bin, 'serve', '--data', dir, '--port', '0'], { SEALTRAIL_ADMIN_TOKEN: token });
}

function startProcess(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ process: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}`)));
    child.stdout!.on('data', (chunk: Buffer) => {
      const url = /listens on (http:\/\/\S+)/.exec(chunk.toString())?.[1];
      if (url) resolve({ process: child, url });
    });
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.removeAllListeners('exit');
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

interface LoadResult {
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Median of several short runs, after one to warm up. */
async function load(url: string, connections: number, events: number): Promise<LoadResult> {
  const results: LoadResult[] = [];
  for (let run = 0; run <= runs; run++)
    results.push(await loadOnce(url, connections, events, run === 0 ? 1 : 3));
  return results.slice(1).sort((a, b) => a.eventsPerSecond - b.eventsPerSecond)[Math.floor(runs / 2)]!;
}

function loadOnce(url: string, connections: number, events: number, seconds: number): Promise<LoadResult> {
  const child = spawn(
    process.execPath,
    [path.join(here, 'load.ts'), url, token, String(connections), String(events), String(seconds)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) =>
      code === 0 ? resolve(JSON.parse(output) as LoadResult) : reject(new Error(`load ended with ${code}`)),
    );
  });
}
