// node bench/deliver.ts: from the enqueuing of a notification to its arrival at a webhook on loopback, beside a bare POST
// over a connection that is kept, in the same run; and how many a second one channel carries. Files are real and synced.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Notification } from '@sealtrail/core';
import { ChannelSender } from '../packages/server/dist/adapters/channels/channel-sender.js';
import { TargetGuard } from '../packages/server/dist/adapters/channels/target-guard.js';
import { openDurable } from '../packages/server/dist/adapters/sqlite/open-durable.js';
import { outboxTables, SqliteOutbox } from '../packages/server/dist/adapters/sqlite/outbox.js';
import { testNotification } from '../packages/server/dist/channels/test-notification.js';
import { Courier } from '../packages/server/dist/followers/deliver/courier.js';
import { percentile } from './events.ts';

const spaced = 1000;
const flood = 5000;
const work = mkdtempSync(path.join(tmpdir(), 'sealtrail-bench-'));
const arrivals = new Map<string, number>();
const server = createServer((incoming, response) => {
  arrivals.set(String(incoming.headers['webhook-id']), performance.now());
  incoming.resume().on('end', () => response.writeHead(204).end());
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

const db = openDurable(path.join(work, 'detection.db'), (opened) => opened.exec(outboxTables));
const outbox = new SqliteOutbox(db, { maxWaiting: 2 * flood });
const channel = 'chn_aaaaaaaaaaaaaaaa';
outbox.putChannel({
  id: channel,
  name: 'bench',
  target: { kind: 'webhook', url, secrets: [`whsec_${randomBytes(32).toString('base64')}`] },
  filter: { minLevel: 'informational' },
  timers: { waitMs: 0, intervalMs: 0, repeatMs: 0 },
  personalData: false,
  isEnabled: true,
  disabledBecause: null,
  createdAt: new Date().toISOString(),
  changedAt: new Date().toISOString(),
});
const sender = new ChannelSender({
  guard: new TargetGuard(['127.0.0.1']),
  version: '1',
  stdout: process.stdout,
});
const fail = (error: unknown): never => {
  throw new Error(`not delivered: ${String(error)}`);
};
const courier = new Courier({
  outbox,
  sender,
  now: Date.now,
  random: (bytes) => randomBytes(bytes),
  version: '1',
  onGone: fail,
  onDeadLetter: (_channel, error) => fail(error),
  onError: fail,
});

const notification = (): Notification =>
  testNotification(`ntf_${randomBytes(12).toString('hex')}`, Date.now());
const show = (what: string, times: readonly number[]): void =>
  console.log(
    `${what.padEnd(46)} p50 ${percentile(times, 0.5).toFixed(2)} ms, p99 ${percentile(times, 0.99).toFixed(2)} ms`,
  );

/** A request as the sender makes it, with nothing around it. */
function bare(agent: Agent, id: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers: { 'webhook-id': id } }, (answer) =>
      answer.resume().on('end', resolve),
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

try {
  console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}`);
  const agent = new Agent({ keepAlive: true });
  const bareTimes: number[] = [];
  for (let i = 0; i < spaced; i++) {
    const { id, ...rest } = notification();
    const startMs = performance.now();
    await bare(agent, id, JSON.stringify({ id, ...rest }));
    bareTimes.push(arrivals.get(id)! - startMs);
    await sleep(1);
  }
  agent.destroy();
  show('a bare POST, to its arrival', bareTimes);

  const times: number[] = [];
  const commits: number[] = [];
  for (let i = 0; i < spaced; i++) {
    const one = notification();
    const startMs = performance.now();
    outbox.enqueue(channel, one, Date.now());
    commits.push(performance.now() - startMs);
    courier.wake();
    while (!arrivals.has(one.id)) await sleep(0);
    times.push(arrivals.get(one.id)! - startMs);
    await sleep(1);
  }
  show('the commit that enqueues', commits);
  show('enqueued, to its arrival', times);

  db.transaction(() => {
    for (let i = 0; i < flood; i++) outbox.enqueue(channel, notification(), Date.now());
  })();
  const startMs = performance.now();
  const target = arrivals.size + flood;
  courier.wake();
  while (arrivals.size < target) await sleep(1);
  console.log(`one channel, one at a time: ${Math.round((flood / (performance.now() - startMs)) * 1000)}/s`);
} finally {
  await courier[Symbol.asyncDispose]();
  sender[Symbol.dispose]();
  db.close();
  server.closeAllConnections();
  server.close();
  rmSync(work, { recursive: true, force: true });
}
