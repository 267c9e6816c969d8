import { uuidBytes } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { OpenLog } from '../../sequencer/testing/open-log.ts';
import { batchOf, batchOfEvents, groupOf, risingEvents, risingId } from '../../sequencer/testing/sent.ts';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { codeOf } from '../../testing/code-of.ts';
import { SqliteLogStore } from './log-store.ts';

describe('SqliteLogStore', () => {
  it('gives back the trail that is there when it is made again', () => {
    using folder = temporaryFolder();
    using store = new SqliteLogStore(folder.log);
    const made = store.createTrail('a', 'audit.example/a', 'vkey');
    expect(store.createTrail('a', 'elsewhere', 'another')).toEqual(made);
    expect(store.createTrail('b', 'audit.example/b', 'vkey').id).toBe(made.id + 1);
    expect(store.trails().map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('takes nothing that does not go on from the end of the trail', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    log.sequencer.append(batchOf(groupOf(risingEvents(0, 300))));
    const append = { trailId: 1, bundles: [], dropsTail: false, tiles: [], ids: uuidBytes(risingId(999)) };
    for (const firstIndex of [0, 299, 301, 512]) {
      const tail = { start: firstIndex, data: Uint8Array.of(0, 1, 0x20), hashes: new Uint8Array(32) };
      expect(codeOf(() => log.store.append([{ ...append, firstIndex, tail }]))).toBe('storage_unavailable');
    }
    expect(log.reader.size('main')).toBe(300);
    expect(log.reader.indexOf('main', uuidBytes(risingId(999)))).toBeUndefined();
  });

  it('stores all of an append or nothing: an id that is taken undoes the whole of it', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    log.sequencer.append(batchOf(groupOf(risingEvents(0, 10))));
    const append = {
      trailId: 1,
      firstIndex: 10,
      bundles: [],
      tail: { start: 10, data: Uint8Array.of(0, 1, 0x20, 0, 1, 0x20), hashes: new Uint8Array(64) },
      dropsTail: false,
      tiles: [{ level: 5, n: 0, data: new Uint8Array(32) }],
      ids: Buffer.concat([uuidBytes(risingId(999)), uuidBytes(risingId(3))]),
    };
    expect(() => log.store.append([append])).toThrow(Database.SqliteError);
    expect(log.reader.size('main')).toBe(10);
    expect(log.reader.tile('main', 5, 0, 1)).toBeUndefined();
    expect(log.reader.indexOf('main', uuidBytes(risingId(999)))).toBeUndefined();
  });

  it('does not go on from a stored edge that cannot be right', () => {
    using folder = temporaryFolder();
    {
      using log = new OpenLog(folder);
      log.sequencer.append(batchOf(groupOf(risingEvents(0, 700))));
    }
    const db = new Database(folder.log);
    db.exec('UPDATE tile SET data = substr(data, 1, 32) WHERE level = 1');
    db.close();
    using store = new SqliteLogStore(folder.log);
    expect(codeOf(() => store.loadTip(1))).toBe('data_folder_invalid');
  });
});

describe('two writers on one log, should the lock ever fail', () => {
  it('do not fork it: what one adds makes the other look again before it adds', () => {
    // Home-made chains fork under concurrent writers: both link to the same predecessor.
    using folder = temporaryFolder();
    using one = new OpenLog(folder);
    using two = new OpenLog(folder);
    let n = 0;
    for (const count of [1, 200, 60, 256, 5, 300]) {
      for (const [writer, other] of [
        [one, two],
        [two, one],
      ] as const) {
        // Both have the trail's end in memory; then one of them moves it.
        expect(writer.sequencer.head('main')).toEqual(other.sequencer.head('main'));
        writer.sequencer.append(batchOf(groupOf(risingEvents(n, n + count))));
        n += count;
        expect(codeOf(() => other.sequencer.append(batchOfEvents({ id: risingId(n) })))).toBe(
          'storage_unavailable',
        );
        other.sequencer.append(batchOfEvents({ id: risingId(n) }));
        n += 1;
        expect(codeOf(() => writer.sequencer.append(batchOfEvents({ id: risingId(n) })))).toBe(
          'storage_unavailable',
        );
      }
    }
    const entries = one.reader.entries('main', 0, n + 1);
    expect(entries.map((bytes) => (JSON.parse(Buffer.from(bytes).toString()) as { id: string }).id)).toEqual(
      risingEvents(0, n).map(({ id }) => id),
    );
    expect(one.sequencer.head('main')).toEqual(two.sequencer.head('main'));
  });
});
