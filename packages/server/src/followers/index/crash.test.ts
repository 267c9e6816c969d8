import { cpSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { all, parseFilter } from '@sealtrail/core';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { EventIndex } from './event-index.ts';
import { FollowedLog, searchAll, type Told } from './testing/followed-log.ts';

const events = (count: number): Told[] =>
  Array.from({ length: count }, (_, i) => ({
    trail: i % 3 === 0 ? 'other' : 'main',
    reason: `attempt ${i}`,
    outcome: i % 5 === 0 ? 'failure' : 'success',
  }));

test('a crash at any moment of following and sealing loses nothing and doubles nothing', async () => {
  using log = new FollowedLog('main', 'other');
  using copies = temporaryFolder();
  log.append(events(600));
  const filter = parseFilter('outcome:failure', { nowMs: 0 });
  const failures = log.scan('main', filter).map(({ index }) => index);

  // What is on disk at each turn of the event loop is what a crash would leave.
  const index = EventIndex.open({ dir: log.dir, log: log.reader, segmentEntries: 50 });
  const crashed: string[] = [];
  let isDone = false;
  const closed = index.caughtUp().then(async () => {
    await index[Symbol.asyncDispose]();
    isDone = true;
  });
  for (let turn = 0; !isDone; turn++) {
    if (turn % 4 === 0 && crashed.length < 40) {
      const dir = path.join(copies.dir, `crash-${turn}`);
      cpSync(log.dir, dir, { recursive: true });
      crashed.push(dir);
    }
    await nextTurn();
  }
  await closed;

  expect(crashed.length).toBeGreaterThan(3);
  for (const dir of crashed) {
    await using again = EventIndex.open({ dir, log: log.reader, segmentEntries: 50 });
    await again.caughtUp();
    expect(searchAll(again, 'main', all)).toHaveLength(log.entries('main').length);
    expect(searchAll(again, 'main', filter)).toEqual(failures);
    expect(again.stats({ trail: 'main', filter, limit: 5, field: 'outcome' })).toMatchObject({
      total: failures.length,
      values: [{ value: 'failure', count: failures.length }],
    });
  }
});
