import { change, entries, everything, exchange, insert, remove, type TamperCase } from './tamper-case.ts';
import { invented, readEntries, receivedDecadesLater, withTimeOf, writeEntries } from './tamper-forge.ts';

/** Entries and all that is derived from them: what can be done without a key. */
export const entryCases: readonly TamperCase[] = [
  ...[0, 5, 255, 256, 511, 512, 650, 699].map(
    (i): TamperCase => ({
      name: `entry ${i} is changed`,
      apply: entries(change(i)),
      code: 'modified',
      finds: [`main entries modified ${i}`],
      only: true,
    }),
  ),
  // In the middle of a bundle, at both sides of the border between two, in the tail, and at its ends.
  ...[0, 5, 255, 256, 512, 650, 699].flatMap((i) =>
    ([-1, 1] as const).map(
      (decades): TamperCase => ({
        name: `the receive time of entry ${i} is ${decades < 0 ? 'lowered' : 'raised'} by one byte`,
        apply: entries((list) => list.with(i, receivedDecadesLater(list[i]!, decades))),
        code: 'modified',
        finds: [`main entries modified ${i}`],
        // Not that the order is wrong, nor anything of its neighbours.
        only: true,
      }),
    ),
  ),
  {
    name: 'two entries are changed',
    apply: entries((list) => change(40)(change(600)(list))),
    code: 'modified',
    finds: ['main entries modified 40-600'],
  },
  {
    name: 'an entry is changed with its id, and its row of the ids',
    apply: entries((list) => list.with(5, invented(list[5]!)), { ids: true }),
    code: 'modified',
    finds: ['main entries modified 5'],
  },
  {
    name: 'an entry is removed from a bundle',
    apply: entries(remove(5)),
    code: 'missing',
    finds: ['main entries missing 5', 'main entries inserted_or_reordered 5-698'],
  },
  {
    name: 'an entry is removed from the tail',
    apply: entries(remove(600)),
    code: 'missing',
    finds: ['main entries missing 600', 'main entries inserted_or_reordered 600-698'],
  },
  {
    name: 'an entry is removed with its row of the ids, those after it have moved up there too',
    apply: entries(remove(5), { ids: true }),
    code: 'missing',
    finds: ['main entries missing 5'],
  },
  {
    name: 'an entry is removed and everything derived is written anew',
    apply: entries(remove(320), everything),
    code: 'truncated',
    finds: ['main entries modified 300-511', 'main entries truncated 699'],
  },
  {
    name: 'an entry is inserted',
    apply: entries(insert(5)),
    code: 'inserted_or_reordered',
    finds: ['main entries inserted_or_reordered 5-699'],
  },
  {
    name: 'an entry is inserted and everything derived is written anew',
    apply: entries(insert(320), everything),
    code: 'modified',
    finds: ['main entries modified 300-511'],
  },
  {
    name: 'an entry is added at the end, after the last checkpoint, without its hash and id',
    apply: entries((list) => [...list, invented(list[699]!)]),
    code: 'modified',
    finds: ['main store modified 700', 'main store modified 512'],
  },
  {
    name: 'two entries are exchanged',
    apply: entries(exchange(5, 9)),
    code: 'inserted_or_reordered',
    finds: ['main entries inserted_or_reordered 5-9'],
  },
  {
    name: 'two entries of neighbouring bundles are exchanged',
    apply: entries(exchange(5, 300)),
    code: 'inserted_or_reordered',
    finds: ['main entries inserted_or_reordered 5-300'],
  },
  {
    name: 'two entries are exchanged, and their ids with them',
    apply: entries(exchange(5, 9), { ids: true }),
    code: 'inserted_or_reordered',
    finds: ['main entries inserted_or_reordered 5-9'],
  },
  {
    name: 'two entries are exchanged and everything derived is written anew',
    // The forger leaves the receive times in order.
    apply: entries(
      (list) =>
        list.with(320, withTimeOf(list[320]!, list[330]!)).with(330, withTimeOf(list[330]!, list[320]!)),
      everything,
    ),
    code: 'modified',
    finds: ['main entries modified 300-511'],
  },
  {
    name: 'an entry is written over by the one before it',
    apply: entries((list) => list.with(6, list[5]!)),
    code: 'missing',
    finds: ['main entries missing 6', 'main entries inserted_or_reordered 6', 'main store modified 6'],
  },
  {
    name: 'an entry of another trail takes the place of one',
    apply: (folder) =>
      folder.change((db) =>
        writeEntries(db, readEntries(db).with(6, readEntries(db, 'billing')[6]!), everything),
      ),
    code: 'inserted_or_reordered',
    finds: ['main entries modified 1-99', 'main content inserted_or_reordered 6'],
  },
  {
    name: 'an entry is changed and everything derived is written anew',
    apply: entries(change(320), everything),
    code: 'modified',
    finds: ['main entries modified 300-511', 'main checkpoints modified', 'main published modified'],
  },
  {
    name: 'an entry is changed with its own hash alone',
    apply: (folder) => {
      const before = folder.original;
      entries(change(320), { hashes: true })(folder);
      // The hash tile above the leaves stays as it was.
      folder.change((db) => {
        db.exec(`ATTACH '${before.dir}/log.db' AS original`);
        db.exec(
          'UPDATE tile SET data = (SELECT data FROM original.tile AS o WHERE o.trail = tile.trail AND o.level = 1) WHERE trail = 1 AND level = 1',
        );
      });
    },
    code: 'modified',
    finds: ['main entries modified 300-511'],
  },
];
