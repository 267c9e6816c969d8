import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  type AlertPage,
  createCheckpointJudge,
  type JudgedCheckpoint,
  parsePolicy,
  parseProofFile,
} from '@sealtrail/core';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { verifyFolder } from '../packages/server/src/verify/verify-folder.ts';
import { run } from './support/command-line.ts';
import type { TestServer } from './support/server.ts';
import { WitnessedFolder } from './support/witnessed-folder.ts';

const waiting = { timeout: 20_000 };

let folder: WitnessedFolder;
beforeEach(async () => {
  folder = await WitnessedFolder.make();
});
afterEach(() => folder[Symbol.asyncDispose]());

const judge = (note: string): JudgedCheckpoint =>
  createCheckpointJudge(parsePolicy(readFileSync(folder.policyFile, 'utf8'))).judge(note);

/** What the trail `system` has of witnesses, as `witness trail outcome codes`. */
const reports = (server: TestServer): string[] =>
  server.entries('system').flatMap((entry) => {
    if (entry['action'] !== 'log.witness') return [];
    const { witness, trail, codes } = entry['metadata'] as Record<string, unknown>;
    return [[witness, trail, entry['outcome'], codes].filter((word) => word !== undefined).join(' ')];
  });

/** The checkpoint that a server shows, once it is witnessed and covers so many entries. */
async function shown(server: TestServer, size: number, trail = 'main'): Promise<JudgedCheckpoint> {
  return await vi.waitFor(async () => {
    const judged = judge((await server.send(`/trails/${trail}/checkpoint`)).text);
    expect(judged).toMatchObject({ quorum: { satisfied: true, have: 2 } });
    expect(judged.checkpoint.size).toBeGreaterThanOrEqual(size);
    return judged;
  }, waiting);
}

/** Records entries and waits until they are witnessed. */
async function witness(server: TestServer, events: number): Promise<void> {
  await server.record(Array.from({ length: events }, () => ({ action: 'test.event' })));
  await shown(server, server.size());
  await shown(server, server.size('system'), 'system');
}

it('a server shows witnessed checkpoints, proves by them, and its folder verifies as witnessed 2 of 2', async () => {
  await using server = await folder.serve();
  await witness(server, 20);
  const { receipts } = await server.record({ action: 'test.proven' });
  await shown(server, 22);
  const proof = await server.send(`/v1/events/${receipts[0]!.id}/proof`);
  expect(judge(parseProofFile(proof.text).checkpoint).cosignatures.map(({ witness: by }) => by)).toEqual([
    'first.example',
    'second.example',
  ]);
  // Each witness signs for the first time once, however many checkpoints there are.
  await witness(server, 5);
  expect(reports(server).sort()).toEqual([
    'first.example main success',
    'first.example system success',
    'second.example main success',
    'second.example system success',
  ]);
  const metrics = (await server.send('/metrics')).text;
  expect(metrics).toMatch(/^sealtrail_witness_cosignatures\{witness="first.example"\} [1-9]/m);
  expect(metrics).toMatch(/^sealtrail_witness_failures\{witness="second.example",code="unreachable"\} 0$/m);
  expect(metrics).toMatch(/^sealtrail_witness_last_cosignature_timestamp_seconds\{witness="first/m);

  const verified = await run(['verify', '--data', folder.dir, '--policy', folder.policyFile]);
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('witnessed 2 of 2')]);
  const remote = await run(['verify', '--url', server.url, '--policy', folder.policyFile], {
    environment: { SEALTRAIL_TOKEN: 'admin-token-of-a-test', HOME: path.dirname(folder.dir) },
  });
  expect([remote.code, remote.stdout]).toEqual([0, expect.stringContaining('witnessed 2 of 2')]);
});

it('a folder is told to be witnessed up to an older entry, and fails by that where it is asked to', async () => {
  {
    await using server = await folder.serve();
    await witness(server, 19);
  }
  {
    folder.misbehave('unavailable');
    await using server = await folder.serve();
    await server.record(Array.from({ length: 50 }, () => ({ action: 'test.event' })));
    await vi.waitFor(
      () => expect(server.engine.log.trail('main')?.checkpoint?.size).toBe(server.size()),
      waiting,
    );
  }
  const verify = (...options: string[]) => run(['verify', '--data', folder.dir, ...options]);
  const verified = await verify('--policy', folder.policyFile, '--trail', 'main');
  expect([verified.code, verified.stdout]).toEqual([
    0,
    expect.stringMatching(
      /witnessed 2 of 2, up to entry 19 of 70\n.*No witness vouches for main from entry 20/s,
    ),
  ]);
  // None of the entries is older than ten minutes; later they fail.
  const asked = ['--require-witnessed', '--json', '--trail', 'main'];
  expect(await verify('--policy', folder.policyFile, ...asked)).toMatchObject({ code: 0 });
  const policyText = readFileSync(folder.policyFile, 'utf8');
  const requireWitnessed = { from: '2100-01-01T00:00:00.000Z', to: '2100-01-01T00:20:00.000Z' };
  const later = await verifyFolder(folder.dir, { policyText, trail: 'main', requireWitnessed });
  expect(later).toMatchObject({ ok: false, code: 'not_witnessed' });
  expect(later.trails[0]!.checks).toContainEqual(
    expect.objectContaining({ check: 'witnesses', status: 'failed', firstIndex: 20, lastIndex: 69 }),
  );
  // The folder's own policy has no witnesses to ask for.
  expect(await verify(...asked)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('not_witnessed'),
  });
});

it('the checkpoint that is shown of a trail that grows is witnessed, and never smaller than before', async () => {
  await using server = await folder.serve({ publishEveryMs: 10 });
  await witness(server, 1);
  const sizes: number[] = [];
  while ((sizes.at(-1) ?? 0) < 100) {
    await server.record({ action: 'test.event' });
    const { checkpoint, quorum } = judge((await server.send('/trails/main/checkpoint')).text);
    expect(quorum.have).toBe(2);
    sizes.push(checkpoint.size);
  }
  expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
  expect(new Set(sizes).size).toBeGreaterThan(2);
});

it('a log from an older backup is refused by its witnesses, told of, and not signed any more', async () => {
  {
    await using server = await folder.serve();
    await witness(server, 3);
  }
  const backup = folder.copy();
  {
    await using server = await folder.serve();
    await witness(server, 20);
  }
  {
    await using server = await folder.serve({ dir: backup, detection: true });
    const before = server.engine.log.trail('main')!.checkpoint!;
    const refused = ['first.example', 'second.example'].map(
      (name) => `${name} main denied conflict,rolled_back`,
    );
    await vi.waitFor(() => expect(reports(server)).toEqual(expect.arrayContaining(refused)), waiting);
    const ready = await server.send('/readyz');
    expect(ready.status).toBe(503);
    expect(JSON.parse(ready.text)).toMatchObject({ parts: { log: 'log_behind_published' } });
    await vi.waitFor(async () => {
      const { alerts } = await server.json<AlertPage>('/v1/alerts?trail=system');
      expect(alerts).toContainEqual(
        expect.objectContaining({
          level: 'critical',
          rule: expect.objectContaining({ title: 'Witness refused a checkpoint of the audit log' }),
        }),
      );
    }, waiting);
    // Events are taken and stay; nothing is signed on top of a history that others know to be longer.
    await server.record({ action: 'test.after' });
    expect(server.entries('main').at(-1)).toMatchObject({ action: 'test.after' });
    expect(server.engine.log.trail('main')!.checkpoint).toEqual(before);
    await expect(server.engine.log.publish('main')).rejects.toMatchObject({ code: 'log_behind_published' });
    expect(server.logs.some((line) => line.includes('the log has been set back'))).toBe(true);
  }
  await expect(folder.serve({ dir: backup })).rejects.toMatchObject({ code: 'log_behind_published' });
  const verified = await run(['verify', '--data', backup, '--policy', folder.policyFile, '--json']);
  expect([verified.code, verified.stdout]).toEqual([1, expect.stringContaining('rolled_back')]);
});

it('a trail that was set back to its beginning is not signed again, whatever is recorded in it', async () => {
  const makeTrail = {
    method: 'POST',
    body: '{"name":"late"}',
    headers: { 'content-type': 'application/json' },
  };
  {
    await using server = await folder.serve();
    const { vkey } = await server.json<{ vkey: string }>('/v1/trails', makeTrail);
    for (const one of folder.witnesses) one.knows(vkey);
  }
  const backup = folder.copy();
  {
    await using server = await folder.serve();
    await server.record({ action: 'test.event', trail: 'late' });
    await shown(server, 1, 'late');
  }
  const before = folder.witnesses[0].answers.filter(({ origin }) => origin.endsWith('/late')).length;
  await using server = await folder.serve({ dir: backup });
  await server.record({ action: 'test.other', trail: 'late' });
  await expect(server.engine.log.publish('late')).rejects.toMatchObject({ code: 'log_behind_published' });
  expect(server.engine.log.trail('late')?.checkpoint).toBeUndefined();
  expect(folder.witnesses[0].answers.filter(({ origin }) => origin.endsWith('/late'))).toHaveLength(before);
  await vi.waitFor(
    () => expect(reports(server)).toContain('first.example late denied conflict,rolled_back'),
    waiting,
  );
});

it('a mere claim of a larger size is told of once, and stops nothing', async () => {
  const [liar, honest] = folder.witnesses;
  liar.misbehaviour = 'larger size';
  await using server = await folder.serve();
  await server.record({ action: 'test.event' });
  await vi.waitFor(() => {
    expect(honest.seen.get(server.engine.log.trail('main')!.origin)?.size).toBe(server.size());
    expect(reports(server)).toContain('first.example main denied conflict');
  }, waiting);
  liar.misbehaviour = undefined;
  await shown(server, server.size());
  await vi.waitFor(() => expect(reports(server)).toContain('first.example main success'), waiting);
  expect(
    reports(server)
      .filter((report) => report.includes('denied'))
      .sort(),
  ).toEqual(['first.example main denied conflict', 'first.example system denied conflict']);
  expect((await server.send('/readyz')).status).toBe(200);
});

it('a witness that hangs holds up neither the start, nor the log, nor the other witness', async () => {
  folder.witnesses[0].misbehaviour = 'hang';
  await using server = await folder.serve();
  await server.record({ action: 'test.event' });
  await vi.waitFor(async () => {
    const { cosignatures, checkpoint } = judge((await server.send('/trails/main/checkpoint')).text);
    expect(cosignatures.map(({ witness: by }) => by)).toEqual(['second.example']);
    expect(checkpoint.size).toBe(server.size());
  }, waiting);
});

it('says what is wrong with a witnesses file, and where', async () => {
  const [line] = readFileSync(folder.policyFile, 'utf8').match(/^witness first.*$/m)!;
  const withoutAddress = line!.split(' ').slice(0, 3).join(' ');
  for (const [text, message] of [
    ['quorum none\nwitness first.example nonsense http://w.example\n', 'line 2'],
    [`quorum none\n# first\n${withoutAddress}\n`, 'line 3'],
    [`quorum none\n${withoutAddress} ftp://w.example\n`, 'line 2'],
    [`${line}\n`, 'quorum'],
    ['quorum none\n', '1 to 32'],
  ] as const) {
    const file = path.join(path.dirname(folder.dir), 'bad.txt');
    writeFileSync(file, text);
    const { code, stderr } = await run(['serve', '--data', folder.dir, '--port', '0', '--witnesses', file]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  }
  const absent = await run(['serve', '--data', folder.dir, '--witnesses', path.join(folder.dir, 'none')]);
  expect([absent.code, absent.stderr]).toEqual([2, expect.stringContaining('ENOENT')]);
});
