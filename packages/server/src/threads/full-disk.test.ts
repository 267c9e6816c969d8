import { uuidBytes } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { lockDataFolder } from '../adapters/fs/data-folder.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import { SqliteStateStore } from '../adapters/sqlite/state-store.ts';
import { entryStatus } from '../sequencer/protocol.ts';
import { groupOf, risingEvents } from '../sequencer/testing/sent.ts';
import { SmallDisk } from '../sequencer/testing/small-disk.ts';
import { startLog } from '../sequencer/testing/start-log.ts';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { codeOf, codeOfPromise } from '../testing/code-of.ts';

/** Free pages of files that are there already take a little: more than this is not in them. */
const maxRequests = 400;
const perRequest = 100;

describe.skipIf(!SmallDisk.isPossible())('a disk that is really full (needs the right to mount one)', () => {
  it('refuses with a code, loses nothing that it acknowledged, and serves again when there is room', async () => {
    using disk = new SmallDisk(24);
    using folder = temporaryFolder(disk.dir);
    await using started = startLog(folder);
    const { log } = started;
    await log.ready;
    await log.createTrail('main');
    disk.fill();
    let acknowledged = 0;
    let code: string | undefined;
    const request = (): ReturnType<typeof groupOf> =>
      groupOf(
        risingEvents(acknowledged * perRequest, (acknowledged + 1) * perRequest, { reason: 'x'.repeat(500) }),
      );
    for (let i = 0; i < maxRequests && code === undefined; i++) {
      code = await codeOfPromise(log.append(request()));
      if (code === undefined) acknowledged++;
    }
    expect(code).toBe('storage_unavailable');
    expect(await codeOfPromise(log.append(request()))).toBe('storage_unavailable');
    expect(await codeOfPromise(log.createTrail('late'))).toBe('storage_unavailable');
    // Reading goes on.
    using reader = new SqliteLogReader(folder.log);
    expect(reader.size('main')).toBe(acknowledged * perRequest);

    disk.free();
    const { statuses, indexes } = await log.append(request());
    expect([...statuses]).toEqual(Array.from({ length: perRequest }, () => entryStatus.stored));
    expect(indexes[0]).toBe(acknowledged * perRequest);
    expect((await log.createTrail('late')).size).toBe(0);
    expect((await log.publish('main')).size).toBe((acknowledged + 1) * perRequest);
    for (const [i, { id }] of risingEvents(0, (acknowledged + 1) * perRequest).entries())
      expect(reader.indexOf('main', uuidBytes(id))).toBe(i);
  });

  it('does not start without room and says why, and starts with everything when there is', async () => {
    using disk = new SmallDisk(8);
    using folder = temporaryFolder(disk.dir);
    {
      await using started = startLog(folder);
      await started.log.ready;
      await started.log.createTrail('main');
      await started.log.append(groupOf(risingEvents(0, 300)));
    }
    disk.fill();
    {
      await using started = startLog(folder);
      expect(await codeOfPromise(started.log.ready)).toBe('storage_unavailable');
    }
    expect(codeOf(() => new SqliteStateStore(folder.state))).toBe('storage_unavailable');
    disk.free();
    await using started = startLog(folder);
    await started.log.ready;
    expect(started.log.trail('main')).toMatchObject({ size: 300, checkpoint: { size: 300 } });
  });

  it('is not owned and not opened where it was mounted read-only', async () => {
    using disk = new SmallDisk(8);
    using folder = temporaryFolder(disk.dir);
    {
      await using started = startLog(folder);
      await started.log.ready;
      await started.log.createTrail('main');
      await started.log.append(groupOf(risingEvents(0, 10)));
    }
    disk.makeReadOnly();
    expect(codeOf(() => lockDataFolder(folder))).toBe('data_folder_invalid');
    expect(codeOf(() => new SqliteStateStore(folder.state))).toBe('data_folder_invalid');
    {
      await using started = startLog(folder);
      expect(await codeOfPromise(started.log.ready)).toBe('data_folder_invalid');
    }
    disk.makeWritable();
  });

  it('makes no new data folder without room, and makes it when there is', async () => {
    using disk = new SmallDisk(8);
    using folder = temporaryFolder(disk.dir);
    disk.fill();
    {
      await using started = startLog(folder);
      expect(await codeOfPromise(started.log.ready)).toBe('storage_unavailable');
    }
    disk.free();
    await using started = startLog(folder);
    await started.log.ready;
    expect((await started.log.createTrail('main')).size).toBe(0);
  });
});
