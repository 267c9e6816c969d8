import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRecorder, type QueueingRecorder, withContext } from '@sealtrail/client';
import { openSealtrail } from 'sealtrail';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../packages/server/dist/main.js';
import { adminSecret, startServer } from './support/server.ts';

const producer = { id: 'shop-1', firstSeq: 0 };
const settings = { producer, maxQueueEvents: 4, onError: () => undefined };
type Recording = AsyncDisposable & { readonly recorder: QueueingRecorder; readonly engine: Engine };

async function startHttp(): Promise<Recording> {
  const server = await startServer();
  for (const name of ['web', 'jobs']) await server.engine.log.createTrail(name);
  const recorder = createRecorder({ url: server.url, token: adminSecret, ...settings });
  return {
    recorder,
    engine: server.engine,
    async [Symbol.asyncDispose]() {
      await recorder.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function startInProcess(): Promise<Recording> {
  const dir = await mkdtemp(path.join(tmpdir(), 'sealtrail-test-'));
  const recorder = await openSealtrail({ dir, logLevel: 'silent', recorder: settings });
  for (const name of ['web', 'jobs']) await recorder.engine.log.createTrail(name);
  return {
    recorder,
    engine: recorder.engine,
    async [Symbol.asyncDispose]() {
      await recorder.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

describe.each([
  ['over HTTP', startHttp],
  ['in process', startInProcess],
])('a recorder %s that writes to several trails', (_, start) => {
  let recording: Recording;
  beforeEach(async () => {
    recording = await start();
  });
  afterEach(() => recording[Symbol.asyncDispose]());

  /** Gaps in the trail `system` once the followers have seen the last number of each trail: trail, from, to. */
  const gapsAfter = async (last: Readonly<Record<string, number>>): Promise<unknown[][]> => {
    const { state, reader, log } = recording.engine;
    const isSeen = ([trail, seq]: [string, number]): boolean =>
      (state.producer(trail, producer.id)?.lastSeq ?? -1) >= seq;
    while (!Object.entries(last).every(isSeen)) await sleep(5);
    return reader
      .entries('system', 0, log.trail('system')!.size)
      .map((bytes) => JSON.parse(Buffer.from(bytes).toString()))
      .filter(({ action }) => action === 'producer.sequence_gap')
      .map(({ targets, metadata }) => [targets[0].id, metadata.missingFrom, metadata.missingTo]);
  };

  it('shows no gap where none is', async () => {
    const { recorder } = recording;
    for (let i = 0; i < 5; i++) {
      await recorder.record({ action: 'order.create' });
      await recorder.record({ action: 'page.view', trail: 'web', tenant: `t${i % 2}` });
      await withContext({ trail: 'jobs' }, () => recorder.record({ action: 'job.run' }));
      await recorder.record({ action: 'order.ship', trail: 'main' });
    }
    expect(await gapsAfter({ main: 9, web: 4, jobs: 4 })).toEqual([]);
  });

  it('shows what was lost, in the trail that it was for', async () => {
    const { recorder } = recording;
    const recordBoth = (): Promise<unknown> =>
      Promise.all(['main', 'web'].map((trail) => recorder.record({ action: 'a', trail })));
    await recordBoth();
    // Too large; then one more than the queue takes.
    const metadata = { text: 'x'.repeat(70_000) };
    const lost = [recorder.record({ action: 'a', trail: 'web', metadata })];
    const kept = [1, 2, 3, 4].map(() => recorder.record({ action: 'a', trail: 'jobs' }));
    lost.push(recorder.record({ action: 'a' }));
    const ends = await Promise.allSettled(lost);
    expect(ends.map((end) => end.status === 'rejected' && end.reason.code)).toEqual([
      'entry_too_large',
      'overloaded',
    ]);
    await Promise.all(kept);
    await recordBoth();
    expect((await gapsAfter({ main: 2, web: 2, jobs: 3 })).sort()).toEqual([
      ['main', 1, 1],
      ['web', 1, 1],
    ]);
  });
});
