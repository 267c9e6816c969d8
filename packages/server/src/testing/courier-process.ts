import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChannelSender } from '../adapters/channels/channel-sender.ts';
import { TargetGuard } from '../adapters/channels/target-guard.ts';
import { openDurable } from '../adapters/sqlite/open-durable.ts';
import { outboxTables, SqliteOutbox } from '../adapters/sqlite/outbox.ts';
import { sampleChannel } from '../channels/testing/sample-channel.ts';
import { Courier } from '../followers/deliver/courier.ts';
import { numbered } from '../followers/deliver/testing/delivering.ts';

/** Enqueues numbered notifications for a webhook and delivers them, until it is killed: `courier-process FILE URL TOTAL`. */
const [file = '', url = '', total = '0'] = process.argv.slice(2);

const db = openDurable(file, (opened) => {
  if (opened.prepare("SELECT 1 FROM sqlite_master WHERE name = 'delivery'").get() === undefined)
    opened.exec(outboxTables);
});
const outbox = new SqliteOutbox(db);
const sample = sampleChannel('a');
if (sample.target.kind === 'webhook') outbox.putChannel({ ...sample, target: { ...sample.target, url } });

const courier = new Courier({
  outbox,
  sender: new ChannelSender({ guard: new TargetGuard(['127.0.0.1']), version: '1', stdout: process.stdout }),
  now: Date.now,
  random: (bytes) => randomBytes(bytes),
  version: '1',
  onGone: () => {},
  onDeadLetter: (_channel, error) => process.send?.(`dead: ${error}`),
  onError: (error) => process.send?.(`error: ${String(error)}`),
  schedule: { delaysMs: [5], maxDelayMs: 5, giveUpMs: 3_600_000 },
  settleMs: 20,
});
courier.wake();

/** How many were ever enqueued: what was rolled back with a crash was not. */
const enqueued = db
  .prepare("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'delivery'")
  .pluck();
for (let number = (enqueued.get() as number) + 1; number <= Number(total); number++) {
  outbox.enqueue('a', numbered(number), Date.now());
  courier.wake();
  if (number % 5 === 0) await sleep(2);
}
while (outbox.state('a').waiting > 0) await sleep(5);
process.send?.('done');
