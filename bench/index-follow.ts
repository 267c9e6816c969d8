// node bench/index-follow.ts [entries]: what the search index costs by itself, on one thread, over a log in memory: entries
// indexed a second beside the limit (parsing their JSON), then pages and counts. Profile it with node --cpu-prof.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { bundleSlices, fieldFilter, parseFilter } from '@sealtrail/core';
import { EventIndex } from '../packages/server/src/followers/index/event-index.ts';
import type { LogReader } from '../packages/server/src/ports.ts';
import { percentile, sampleEvent } from './events.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const bundle = 256;
const firstMs = Date.UTC(2026, 0, 1);
const nowMs = firstMs + count * 25;

// Bundles are compressed, as the log keeps them: reading an entry costs the reading of its bundle.
const bundles: Uint8Array[] = [];
let open: Buffer[] = [];
let bytes = 0;
for (let i = 0; i < count; i++) {
  const at = new Date(firstMs + i * 25).toISOString();
  const entry = {
    ...sampleEvent(i),
    time: at,
    receivedAt: at,
    schemaVersion: 1,
    tenant: `t_${i % 7}`,
    trail: 'main',
  };
  const text = Buffer.from(JSON.stringify(entry));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length);
  open.push(length, text);
  bytes += text.length;
  if ((i + 1) % bundle > 0 && i + 1 < count) continue;
  bundles.push(zstdCompressSync(Buffer.concat(open)));
  open = [];
}
console.log(`${count.toLocaleString('en')} entries of ${Math.round(bytes / count)} bytes`);

const log: LogReader = {
  trails: () => [{ name: 'main', size: count }],
  size: () => count,
  entries: (_trail, from, to) => {
    const found: Uint8Array[] = [];
    for (let n = Math.floor(from / bundle); n * bundle < to; n++) {
      const data = zstdDecompressSync(bundles[n]!);
      for (const [i, { start, end }] of bundleSlices(data).entries())
        if (n * bundle + i >= from && n * bundle + i < to) found.push(data.subarray(start, end));
    }
    return found;
  },
  [Symbol.dispose]: () => {},
};

const text = new TextDecoder();
// By the time of this thread, so that whatever else runs on the machine does not count.
const threadSeconds = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
};
const parseStart = threadSeconds();
for (let i = 0; i < count; i += bundle)
  for (const entry of log.entries('main', i, Math.min(i + bundle, count))) JSON.parse(text.decode(entry));
const parsing = count / (threadSeconds() - parseStart);

const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-index-'));
try {
  await using index = EventIndex.open({ dir, log });
  const start = threadSeconds();
  let longestSeconds = 0;
  let last = start;
  const ticks = setInterval(() => {
    longestSeconds = Math.max(longestSeconds, threadSeconds() - last);
    last = threadSeconds();
  }, 1);
  await index.caughtUp();
  const sealed = (): boolean => {
    const names = readdirSync(dir).filter((name) => name.startsWith('seg-'));
    return names.length === Math.floor(count / 65_536) && names.every((name) => name.endsWith('.db'));
  };
  while (!sealed()) await delay(5);
  const following = count / (threadSeconds() - start);
  clearInterval(ticks);
  const rate = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`;
  console.log(
    `indexed ${rate(following)} of ${rate(parsing)} read and parsed = ${(following / parsing).toFixed(2)}`,
  );
  console.log(
    `longest turn of the event loop ${(longestSeconds * 1000).toFixed(0)} ms; memory of the process ${Math.round(process.memoryUsage().rss / 1e6)} MB`,
  );
  const files = readdirSync(dir).reduce((sum, name) => sum + statSync(path.join(dir, name)).size, 0);
  console.log(`${Math.round(files / count)} bytes an entry on disk`);

  const trail = 'main';
  const pages: readonly (readonly [string, (i: number) => string])[] = [
    ['everything', () => ''],
    ['one actor', (i) => `actor:u_${i * 7}`],
    ['one actor and a rare outcome', (i) => `actor:u_${i * 7} outcome:failure action:user.*`],
    ['one target, unique', (i) => `target:inv_${(i * 99_991) % count}`],
    ['one request, unique', (i) => `requestId:nobody-${i}`],
    ['a word, unique', (i) => `${(i * 99_991) % count}`],
    ['a phrase', (i) => `"sample user ${i}"`],
    ['a network', (i) => `ip:192.0.2.${i % 250}/31 outcome:failure`],
    ['two hours', (i) => `since:${i % 5}h until:${i % 3}h status>=200 -outcome:success`],
    ['nothing', () => 'actor:u_1 actor:u_2'],
    ['a pattern from the left', (i) => `target:*_${(i * 99_991) % count}`],
  ];
  for (const [what, query] of pages) {
    const times: number[] = [];
    for (let i = 0; i < 40; i++) {
      const filter = parseFilter(query(i), { nowMs });
      const at = performance.now();
      index.query({ trail, filter, limit: 50, nowMs });
      times.push(performance.now() - at);
    }
    console.log(
      `page: ${what.padEnd(30)} p50 ${percentile(times, 0.5).toFixed(1)} ms  p95 ${percentile(times, 0.95).toFixed(1)} ms`,
    );
  }
  const counts = [
    ['by outcome', { field: 'outcome' }],
    ['by actor', { field: 'actor.id' }],
    ['by target, unique, of two hours', { field: 'target.id', filter: parseFilter('since:2h', { nowMs }) }],
    ['by hour', { intervalMs: 3_600_000 }],
    ['of one actor by hour', { filter: fieldFilter('actor', 'u_7', { nowMs }), intervalMs: 3_600_000 }],
    ['of failures by address', { filter: fieldFilter('outcome', 'failure', { nowMs }), field: 'source.ip' }],
  ] as const;
  for (const [what, query] of counts) {
    const at = threadSeconds();
    index.stats({ trail, limit: 10, filter: { op: 'all' }, ...query });
    console.log(`counts ${what.padEnd(34)} ${((threadSeconds() - at) * 1000).toFixed(0)} ms`);
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
