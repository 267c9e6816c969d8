import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { OpenLog } from '../sequencer/testing/open-log.ts';
import { batchOf, groupOf, risingEvents } from '../sequencer/testing/sent.ts';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { codeOfPromise } from '../testing/code-of.ts';
import { ServedLog } from './testing/served-log.ts';
import { type FolderVerdict, verifyFolder } from './verify-folder.ts';

const failed = ({ checks, trails }: FolderVerdict): unknown[] => [
  ...checks,
  ...trails.flatMap((trail) => trail.checks.filter(({ status }) => status === 'failed')),
];

async function makeLog(dir: string): Promise<string> {
  await using log = new ServedLog(dir);
  await log.start();
  await log.record(300);
  return log.policy;
}

describe('verifyFolder', () => {
  it('reports no fault beside a process that writes', async () => {
    using folder = temporaryFolder();
    const script = fileURLToPath(new URL('./testing/live-writer.ts', import.meta.url));
    const writer: ChildProcess = fork(script, [folder.dir], { execArgv: [] });
    const ended = once(writer, 'exit');
    await once(writer, 'message');
    const sizes: number[] = [];
    // On a busy machine the writer may need some rounds to be heard of.
    for (let i = 0; i < 10 || sizes.at(-1) === sizes[0]; i++) {
      const verdict = await verifyFolder(folder.dir, { settleMs: 1_000 });
      expect(failed(verdict)).toEqual([]);
      sizes.push(verdict.trails.reduce((sum, { size }) => sum + size, 0));
    }
    writer.send('stop');
    expect(await ended).toEqual([0, null]);
    expect(failed(await verifyFolder(folder.dir))).toEqual([]);
  });

  it('says whether the keys were pinned, and verifies one trail or all', async () => {
    using folder = temporaryFolder();
    const policyText = await makeLog(folder.dir);
    expect(await verifyFolder(folder.dir)).toMatchObject({ ok: true, isPinned: false });
    const progress: [number, number][] = [];
    const verdict = await verifyFolder(folder.dir, {
      policyText,
      trail: 'main',
      onProgress: (...step) => progress.push(step),
    });
    expect(verdict).toMatchObject({ ok: true, isPinned: true });
    expect(verdict.trails.map(({ trail, size }) => [trail, size])).toEqual([['main', 300]]);
    expect(progress).toEqual([
      [256, 300],
      [300, 300],
    ]);
    const none = await verifyFolder(folder.dir, { policyText, trail: 'other' });
    expect(none).toMatchObject({ ok: false, code: 'missing', trails: [] });
  });

  it('waits for the first checkpoint of a trail, and no longer', async () => {
    using folder = temporaryFolder();
    await using log = new ServedLog(folder.dir);
    await log.start();
    await log.record(3);
    // The trail `system` has the entry of the first token, and no checkpoint yet.
    expect(await verifyFolder(folder.dir, { settleMs: 0 })).toMatchObject({ ok: false, code: 'not_covered' });
    const published = new Promise<unknown>((resolve, reject) =>
      setTimeout(() => log.engine.log.publish('system').then(resolve, reject), 10),
    );
    const patient = await verifyFolder(folder.dir, { settleMs: 1_000 });
    await published;
    expect(failed(patient)).toEqual([]);
  });

  it('remembers what a good verdict saw, and nothing else', async () => {
    using folder = temporaryFolder();
    const policyText = await makeLog(folder.dir);
    const rememberFile = `${folder.dir}/remembered.json`;
    const remembered = (): unknown => JSON.parse(readFileSync(rememberFile, 'utf8'));
    expect(await verifyFolder(folder.dir, { policyText, rememberFile })).toMatchObject({ ok: true });
    const before = remembered();
    expect(Object.keys(before as object)).toEqual(['audit.example/main', 'audit.example/system']);

    await using log = new ServedLog(folder.dir);
    await log.start();
    await log.record(10);
    await log.stop();
    const db = new Database(folder.log);
    db.exec('UPDATE entry_id SET idx = idx + 1 WHERE trail = 1 AND idx = 309');
    const bad = await verifyFolder(folder.dir, { policyText, rememberFile });
    expect(bad).toMatchObject({ ok: false, code: 'modified' });
    expect(remembered()).toEqual(before);
    db.exec('UPDATE entry_id SET idx = idx - 1 WHERE trail = 1 AND idx = 310');
    db.close();
    expect(await verifyFolder(folder.dir, { policyText, rememberFile })).toMatchObject({ ok: true });
    expect(remembered()).not.toEqual(before);
  });

  it('refuses what is no data folder, no policy and no file of remembered checkpoints', async () => {
    using folder = temporaryFolder();
    expect(await codeOfPromise(verifyFolder(`${folder.dir}/nothing`))).toBe('data_folder_invalid');
    expect(await codeOfPromise(verifyFolder(folder.dir))).toBe('data_folder_invalid');
    const policyText = await makeLog(folder.dir);
    expect(await codeOfPromise(verifyFolder(folder.dir, { policyText: 'log x' }))).toBe('invalid_policy');
    const rememberFile = `${folder.dir}/remembered.json`;
    for (const text of ['{', '[]', 'null', '{"a": 1}', '"a"']) {
      writeFileSync(rememberFile, text);
      const verdict = verifyFolder(folder.dir, { policyText, rememberFile });
      expect(await codeOfPromise(verdict)).toBe('invalid_configuration');
    }
  });

  it('verifies a folder of 1,500 trails by the policy in it', async () => {
    using folder = temporaryFolder();
    const trails = Array.from({ length: 1_500 }, (_, i) => `customer-${i}`);
    {
      using log = new OpenLog(folder, { trails });
      log.sequencer.append(batchOf(groupOf(trails.flatMap((trail, i) => risingEvents(i, i + 1, { trail })))));
      for (const trail of trails) log.publisher.grew(trail);
      log.publisher.publishAll();
    }
    const verdict = await verifyFolder(folder.dir);
    expect(failed(verdict)).toEqual([]);
    expect(verdict.trails.map(({ trail, coveredSize }) => [trail, coveredSize])).toEqual(
      trails.map((trail) => [trail, 1]),
    );
  });

  it('says of a trail whose line of policy was cut off by a crash what it says of one that has none yet', async () => {
    using folder = temporaryFolder();
    await makeLog(folder.dir);
    const policy = readFileSync(folder.policy, 'utf8');
    const last = policy.lastIndexOf('log ');
    const verdictOn = async (text: string): Promise<unknown> => {
      writeFileSync(folder.policy, text);
      return failed(await verifyFolder(folder.dir, { settleMs: 0 }));
    };
    expect(await verdictOn(policy.slice(0, last + 20))).toEqual(await verdictOn(policy.slice(0, last)));
    expect(await verdictOn(policy)).toEqual([]);
  });

  it('stops when it is told to', async () => {
    using folder = temporaryFolder();
    await makeLog(folder.dir);
    await expect(verifyFolder(folder.dir, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });

  it('hears in the middle that it is to stop', async () => {
    using folder = temporaryFolder();
    {
      await using log = new ServedLog(folder.dir);
      await log.start();
      await log.record(6000);
    }
    const stop = new AbortController();
    const stopped = verifyFolder(folder.dir, {
      signal: stop.signal,
      // As a signal does to the process: it is heard in a later turn.
      onProgress: (done) => done > 256 && setImmediate(() => stop.abort(new Error('enough'))),
    });
    await expect(stopped).rejects.toThrow('enough');
  });
});
