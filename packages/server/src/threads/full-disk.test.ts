import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { type CreatedToken, uuidBytes } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { Tokens } from '../access/tokens.ts';
import { lockDataFolder } from '../adapters/fs/data-folder.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import { SqliteStateStore } from '../adapters/sqlite/state-store.ts';
import { entryStatus } from '../sequencer/protocol.ts';
import { OpenLog } from '../sequencer/testing/open-log.ts';
import { batchOfEvents, groupOf, risingEvents } from '../sequencer/testing/sent.ts';
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

  it('finds out whether there is room for what is to come, and leaves the log as it is', () => {
    using disk = new SmallDisk(8);
    using folder = temporaryFolder(disk.dir);
    const files = (): string[] => readdirSync(folder.dir).sort();
    {
      using log = new OpenLog(folder);
      log.sequencer.append(batchOfEvents(...risingEvents(0, 10)));
      const before = files();
      // There is room for a commit, and not for what was asked about.
      disk.fill(200_000);
      expect(() => log.store.probe(1_000_000)).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
      disk.free();
      const walBytes = statSync(`${folder.log}-wal`).size;
      log.store.probe(1_000_000);
      expect(statSync(`${folder.log}-wal`).size).toBeGreaterThan(walBytes);
      expect(files()).toEqual(before);
    }
    writeFileSync(`${folder.log}.probe`, 'of a probe that was killed');
    using log = new OpenLog(folder);
    expect(log.reader.size('main')).toBe(10);
    expect(existsSync(`${folder.log}.probe`)).toBe(false);
  });

  it('refuses to store and to end tokens with the code of a full disk', () => {
    using disk = new SmallDisk(8);
    using folder = temporaryFolder(disk.dir);
    using store = new SqliteStateStore(folder.state);
    const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
    const tokens = new Tokens(store, { now: Date.now, random });
    const make = (): CreatedToken => tokens.make({ name: 'x'.repeat(64), role: 'ingest' });
    const first = tokens.add(make());
    disk.fill();
    // Until what is free in the files that are there is used up.
    let code: string | undefined;
    for (let i = 0; i < maxRequests && code === undefined; i++) code = codeOf(() => tokens.add(make()));
    expect(code).toBe('storage_unavailable');
    expect(codeOf(() => tokens.revoke(first.id))).toBe('storage_unavailable');
    // What was not stored is not so in memory either.
    expect(tokens.isStillValid(first)).toBe(true);
    expect(tokens.list()).toHaveLength(store.all().length);
    disk.free();
    tokens.revoke(first.id);
    tokens.add(make());
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
    expect(codeOf(() => lockDataFolder(folder))).toBe('storage_unavailable');
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
