// npm run bench -- trails [count]: what many trails cost. Making one stands beside its limit, three small synced writes.
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSealtrail, verifyFolder } from '../packages/server/dist/index.js';

const count = Number(process.argv[2] ?? 10_000);
if (!Number.isSafeInteger(count) || count < 2)
  throw new Error(`expected a number of trails from 2 on, got ${count}`);
const probes = 200;
/** Trails at either end of which the making is measured: not the same ones twice. */
const measured = Math.min(probes, Math.floor(count / 2));
const work = mkdtempSync(path.join(tmpdir(), 'sealtrail-bench-'));
const dir = path.join(work, 'data');
const nameOf = (i: number): string => `customer-${i}`;

function note(what: string, value: string): void {
  console.log(`${what.padEnd(52)} ${value.padStart(16)}`);
}

/** Milliseconds that something takes. */
async function timed(action: () => unknown): Promise<number> {
  const startMs = performance.now();
  await action();
  return performance.now() - startMs;
}

/** A key, a row and a line of policy: three synced writes of a hundred bytes. */
function writeThree(): void {
  const fd = openSync(path.join(work, 'synced'), 'a');
  for (let i = 0; i < 3; i++) {
    writeSync(fd, 'x'.repeat(100));
    fsyncSync(fd);
  }
  closeSync(fd);
}

try {
  {
    await using log = await openSealtrail({ dir, logLevel: 'silent' });
    const make = async (from: number, to: number): Promise<number> =>
      (await timed(async () => {
        for (let i = from; i < to; i++) await log.engine.log.createTrail(nameOf(i));
      })) /
      (to - from);
    const limit =
      (await timed(() => {
        for (let i = 0; i < probes; i++) writeThree();
      })) / probes;
    note('limit of making a trail: three synced writes', `${limit.toFixed(2)} ms`);
    note('making one of the first trails', `${(await make(0, measured)).toFixed(2)} ms`);
    await make(measured, count - measured);
    note(
      `making one after ${count.toLocaleString('en')}`,
      `${(await make(count - measured, count)).toFixed(2)} ms`,
    );
    for (let i = 0; i < count; i += 1000)
      await log.recordAll(
        Array.from({ length: Math.min(1000, count - i) }, (_, k) => ({
          trail: nameOf(i + k),
          action: 'user.login',
        })),
      );
    // Until all of them have their checkpoint and are searchable.
    await Promise.all([nameOf(0), nameOf(count - 1)].map((trail) => log.engine.log.publish(trail)));
    await log.query({ trail: nameOf(count - 1), after: 0 });
    const one =
      (await timed(async () => {
        for (let i = 0; i < probes; i++) await log.record({ trail: nameOf(0), action: 'user.login' });
      })) / probes;
    note('recording an event, the other trails quiet', `${one.toFixed(2)} ms`);
  }
  const start = await timed(async () => (await openSealtrail({ dir, logLevel: 'silent' })).close());
  note('starting and stopping', `${Math.round(start)} ms`);
  let verdict = { ok: false };
  const verify = await timed(async () => {
    verdict = await verifyFolder(dir);
  });
  note(
    `verifying by the folder's own policy: ${verdict.ok ? 'intact' : 'NOT INTACT'}`,
    `${Math.round(verify)} ms`,
  );
} finally {
  rmSync(work, { recursive: true, force: true });
}
