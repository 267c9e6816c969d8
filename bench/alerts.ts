// npm run bench -- alerts: from the receipt of the event that completes an attack to the arrival of its webhook on loopback,
// while 10,000 other events a second are recorded in process and held against all built-in rules; beside a bare POST over a
// connection that is kept, in the same run.
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSealtrail } from '../packages/server/dist/index.js';
import { everydayEvent, percentile } from './events.ts';

const eventsPerSecond = Number(process.env['RATE'] ?? 10_000);
const seconds = Number(process.env['SECONDS'] ?? 30);
const batchMs = 10;
/** One of so many batches completes an attack. */
const attackEvery = 10;

const arrivals = new Map<string, number>();
const receiver = createServer((incoming, response) => {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => {
    const arrivedMs = performance.now();
    response.writeHead(204).end();
    if (incoming.method !== 'POST' || incoming.url === '/bare') return;
    const { type, data } = JSON.parse(Buffer.concat(chunks).toString()) as {
      type: string;
      data: { alert: { actors: string[] } };
    };
    // An attacker can be in more than one alert: the first tells of it.
    if (type === 'alert.opened')
      for (const actor of data.alert.actors) if (!arrivals.has(actor)) arrivals.set(actor, arrivedMs);
  });
});
await new Promise<void>((resolve) => void receiver.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
const work = mkdtempSync(path.join(tmpdir(), 'sealtrail-bench-'));
const log = await openSealtrail({ dir: path.join(work, 'data'), allowedTargets: ['127.0.0.1'] });
const by = { actor: { type: 'system' } } as const;
for (let isUp = false; !isUp; )
  isUp = await log.engine.detection.call('status').then(
    () => true,
    () => sleep(100).then(() => false),
  );
await log.engine.detection.channels.create(
  {
    name: 'bench',
    target: { kind: 'webhook', url: `${url}/hook` },
    filter: { minLevel: 'medium' },
    timers: { waitMs: 0, intervalMs: 300_000, repeatMs: 0 },
    personalData: false,
    isEnabled: true,
  },
  by,
);

/** A bare POST over a connection that is kept. */
async function bare(): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const taken: number[] = [];
  for (let n = 0; n < 300; n++) {
    const startMs = performance.now();
    await new Promise<void>((resolve, reject) => {
      request(`${url}/bare`, { method: 'POST', agent }, (response) => response.resume().on('end', resolve))
        .on('error', reject)
        .end('{}');
    });
    taken.push(performance.now() - startMs);
  }
  agent.destroy();
  return taken;
}

const sent = new Map<string, number>();
const receipts: Promise<unknown>[] = [];
let number = 0;
const startMs = performance.now();
for (let batch = 0; performance.now() - startMs < seconds * 1000; batch++) {
  const due = Math.floor(((performance.now() - startMs) / 1000) * eventsPerSecond) - number;
  const events = Array.from({ length: Math.max(0, due) }, () => everydayEvent(number++));
  if (events.length > 0)
    receipts.push(log.recordAll(events as unknown as Parameters<typeof log.recordAll>[0]));
  if (batch % attackEvery === 0) {
    const id = `attacker_${batch}`;
    const failures = Array.from({ length: 12 }, () => ({
      action: 'user.login',
      category: 'authentication' as const,
      outcome: 'failure' as const,
      actor: { type: 'user' as const, id },
      source: { ip: `198.51.${100 + (batch >> 8)}.${batch & 255}` },
    }));
    receipts.push(log.recordAll(failures).then(() => void sent.set(id, performance.now())));
  }
  await sleep(batchMs);
}
await Promise.all(receipts);
const elapsed = (performance.now() - startMs) / 1000;
await sleep(3000);
const baseline = await bare();
const delays = [...sent].flatMap(([id, atMs]) => {
  const arrived = arrivals.get(id);
  return arrived === undefined ? [] : [Math.max(0, arrived - atMs)];
});
const counts = log.engine.detection.counts;
await log.close();
receiver.closeAllConnections();
receiver.close();
rmSync(work, { recursive: true });

const shown = (ms: number): string => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`.padStart(9);
const row = (name: string, values: readonly number[]): void =>
  console.log(
    `${name.padEnd(46)} p50 ${shown(percentile(values, 0.5))}   p99 ${shown(percentile(values, 0.99))}   (${values.length})`,
  );
console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}`);
console.log(
  `${Math.round(number / elapsed).toLocaleString('en')} events/s for ${elapsed.toFixed(0)} s; ${counts.entries.toLocaleString('en')} entries held against rules; ${sent.size} attacks, ${delays.length} told`,
);
row('a bare POST', baseline);
row('receipt to webhook (budget: p99 1,000 ms)', delays);
