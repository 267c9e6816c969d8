import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { FolderVerdict } from '../packages/server/dist/verify/verify-folder.js';
import { SeededRandom } from '../packages/server/src/sequencer/testing/seeded-random.ts';
import { checkGaps, checkIndex, checkProofs, checkTrails } from './support/crash-check.ts';
import { CrashLedger } from './support/crash-ledger.ts';
import { CrashLoad } from './support/crash-load.ts';
import { CrashServer, sealtrail } from './support/crash-server.ts';

/** More for a night: SEALTRAIL_CRASH_KILLS=200. The same again: SEALTRAIL_CRASH_SEED. */
const kills = Number(process.env['SEALTRAIL_CRASH_KILLS'] ?? 6);
const seed = Number(process.env['SEALTRAIL_CRASH_SEED'] ?? Date.now() % 1_000_000);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

it(`keeps every promise over ${kills} kills (seed ${seed})`, {
  timeout: 60_000 + kills * 20_000,
}, async () => {
  const above = mkdtempSync(path.join(tmpdir(), 'sealtrail-crash-'));
  const dir = path.join(above, 'data');
  const policy = path.join(above, 'policy.txt');
  const random = new SeededRandom(seed);
  const ledger = new CrashLedger();
  const load = new CrashLoad(ledger, random);

  for (let kill = 0; kill < kills; kill++) {
    const server = new CrashServer(dir);
    if (random.chance(0.2)) {
      // While it starts, recovery included.
      await pause(random.integer(1, 400));
      await server.kill();
      continue;
    }
    await server.listening();
    const trails = await checkTrails(server, ledger);
    await checkProofs(server, ledger, trails, random);
    expect(ledger.faults, `seed ${seed}, ${dir}, after ${kill} kills`).toEqual([]);
    const loaded = load.run(server);
    await pause(random.integer(20, 1_500));
    await server.kill();
    load.stop();
    await loaded;
    if (kill % 3 === 2) {
      // As the killed process left it: nobody has repaired anything yet.
      const { code, stdout, stderr } = await sealtrail('verify', '--data', dir, '--json');
      const told = `seed ${seed}, ${dir}, after ${kill + 1} kills: ${stdout.slice(0, 3_000)} ${stderr}`;
      // Killed each time before it first signed anything, nothing shows what the entries were, and the verdict says so.
      const { trails: verdicts } = JSON.parse(stdout) as FolderVerdict;
      const failed = verdicts.filter(({ ok }) => !ok);
      const isUnsigned = failed.every(
        ({ code: why, coveredSize }) => why === 'not_covered' && coveredSize === 0,
      );
      expect([code, isUnsigned], told).toEqual([failed.length > 0 ? 1 : 0, true]);
    }
  }

  const server = new CrashServer(dir);
  await server.listening();
  const second = await sealtrail('serve', '--data', dir, '--port', '0');
  expect(second.code).not.toBe(0);
  expect(second.stderr).toContain('data_folder_locked');

  await load.settle(server);
  const trails = await checkTrails(server, ledger);
  await checkProofs(server, ledger, trails, random);
  for (const trail of trails) if (trail.name !== 'system') await checkIndex(server, ledger, trail);
  const gaps = await checkGaps(
    server,
    ledger,
    trails.map(({ name }) => name).filter((name) => name !== 'system'),
  );
  copyFileSync(path.join(dir, 'trust-policy.txt'), policy);
  expect(await server.stop()).toBe(0);
  expect(ledger.faults, `seed ${seed}, ${dir}`).toEqual([]);
  const { code, stdout } = await sealtrail('verify', '--data', dir, '--policy', policy, '--json');
  expect(code, `seed ${seed}, ${dir}: ${stdout.slice(0, 3_000)}`).toBe(0);

  const entries = trails.reduce((sum, trail) => sum + trail.entries.length, 0);
  console.log(
    `${kills} kills, seed ${seed}: ${ledger.receipts.size} receipts, ${ledger.sent.size} events sent, ${entries} entries, ${gaps} open gaps, ${[...ledger.checkpoints.values()].reduce((sum, { size }) => sum + size, 0)} checkpoints seen`,
  );
  rmSync(above, { recursive: true });
});
