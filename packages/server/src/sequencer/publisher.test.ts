import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  createSigner,
  generateKey,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  signCheckpoint,
  verifierFromVkey,
} from '@sealtrail/core';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { DataFolder } from '../adapters/fs/data-folder.ts';
import type { WriteFault } from '../ports.ts';
import { codeOf } from '../testing/code-of.ts';
import { OpenLog } from './testing/open-log.ts';
import { batchOf, groupOf, risingEvents } from './testing/sent.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

/** Grows a trail to a size. */
function grow(log: OpenLog, to: number, trail = 'main', action = 'test.event'): void {
  const from = log.sequencer.head(trail).size;
  log.sequencer.append(batchOf(groupOf(risingEvents(from, to, { trail, action }))));
  log.publisher.grew(trail);
}

/** A folder whose trail `main` has published each of these sizes; the last one may be followed by more entries. */
function publishedFolder(sizes: readonly number[], entries = sizes.at(-1)!): DataFolder & Disposable {
  const folder = temporaryFolder();
  using log = new OpenLog(folder);
  for (const size of sizes) {
    grow(log, size);
    log.publisher.publish('main');
  }
  if (entries > sizes.at(-1)!) grow(log, entries);
  return folder;
}

function run(file: string, sql: string, ...parameters: unknown[]): void {
  const db = new Database(file);
  try {
    db.prepare(sql).run(...parameters);
  } finally {
    db.close();
  }
}

const history = (folder: DataFolder): { size: number; note: string }[] => {
  const db = new Database(folder.log, { readonly: true });
  try {
    return db
      .prepare<[], { size: number; note: string }>('SELECT size, note FROM checkpoint ORDER BY size')
      .all();
  } finally {
    db.close();
  }
};

describe('Publisher', () => {
  it('publishes what the trail holds, signed with its key, and goes on from there after a restart', () => {
    using folder = temporaryFolder();
    let note: string;
    {
      using log = new OpenLog(folder);
      grow(log, 300);
      ({ note } = log.publisher.publish('main'));
      const { vkey, origin } = log.sequencer.trail('main')!;
      const { checkpoint } = openCheckpoint(note, [verifierFromVkey(vkey)]);
      expect(checkpoint).toMatchObject({ origin, size: 300 });
      expect(Buffer.compare(checkpoint.root, log.sequencer.head('main').root)).toBe(0);
    }
    using log = new OpenLog(folder);
    expect(log.publisher.last('main')).toEqual({ size: 300, note });
    expect(log.publisher.publish('main')).toEqual({ size: 300, note });
    expect(log.publisher.publishAll()).toEqual({ published: [], failures: [] });
    // It may have grown, and has not: one size is signed once.
    log.publisher.grew('main');
    expect(log.publisher.publishAll()).toEqual({ published: [], failures: [] });
  });

  it('signs the empty trail when asked to, and lets it grow', () => {
    using folder = temporaryFolder();
    {
      using log = new OpenLog(folder);
      expect(log.publisher.publish('main').size).toBe(0);
    }
    using log = new OpenLog(folder);
    expect(log.publisher.last('main')?.size).toBe(0);
    grow(log, 1);
    expect(log.publisher.publish('main').size).toBe(1);
  });

  it('publishes all trails that have grown at once, and after a start those that had when it ended', () => {
    using folder = temporaryFolder();
    const trails = ['a', 'b', 'c'];
    {
      using log = new OpenLog(folder, { trails });
      grow(log, 3, 'a');
      grow(log, 5, 'b');
      const { published } = log.publisher.publishAll();
      expect(published.map(({ trail, checkpoint }) => [trail, checkpoint.size])).toEqual([
        ['a', 3],
        ['b', 5],
      ]);
      grow(log, 4, 'c');
    }
    using log = new OpenLog(folder);
    expect(log.publisher.publishAll().published.map(({ trail }) => trail)).toEqual(['c']);
  });

  it('never signs two checkpoints of one size that differ, whatever fails and however often it starts', () => {
    using folder = temporaryFolder();
    const notes = new Map<number, Set<string>>();
    const keep = (size: number, note: string): void => {
      notes.set(size, (notes.get(size) ?? new Set()).add(note));
    };
    let size = 0;
    for (const point of ['published', 'checkpoint'] as const) {
      for (const phase of ['before', 'after'] as const) {
        let isFailing = false;
        const fault: WriteFault = (at, when) => {
          if (isFailing && at === point && when === phase) throw new Error('injected');
        };
        using log = new OpenLog(folder, { fault });
        size += 7;
        grow(log, size);
        isFailing = true;
        expect(() => log.publisher.publishAll()).toThrow('injected');
        for (const { size: at, note } of [...log.published.all(), ...history(folder)]) keep(at, note);
        isFailing = false;
        const again = log.publisher.publish('main');
        keep(again.size, again.note);
        expect(again.size).toBe(size);
      }
      using log = new OpenLog(folder);
      keep(log.publisher.last('main')!.size, log.publisher.last('main')!.note);
    }
    for (const { size: at, note } of history(folder)) keep(at, note);
    expect([...notes.keys()].sort((a, b) => a - b)).toEqual([7, 14, 21, 28]);
    expect([...notes.values()].every((of) => of.size === 1)).toBe(true);
  });

  it('shows nobody a checkpoint that is not stored', () => {
    using folder = publishedFolder([10]);
    for (const point of ['published', 'checkpoint'] as const) {
      let isFailing = true;
      const fault: WriteFault = (at) => {
        if (isFailing && at === point) throw new Error('injected');
      };
      using log = new OpenLog(folder, { fault });
      const before = log.publisher.last('main');
      grow(log, before!.size + 5);
      expect(() => log.publisher.publish('main')).toThrow('injected');
      expect(log.publisher.last('main')).toEqual(before);
      isFailing = false;
      expect(log.publisher.publishAll().published).toMatchObject([
        { checkpoint: { size: before!.size + 5 } },
      ]);
    }
  });

  it('does not let a trail that cannot be signed hold up the others', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder, { trails: ['a', 'b', 'c'] });
    for (const trail of ['a', 'b', 'c']) grow(log, 300, trail);
    const key = path.join(folder.keys, 'b.key');
    renameSync(key, `${key}.away`);
    const { published, failures } = log.publisher.publishAll();
    expect(published.map(({ trail }) => trail)).toEqual(['a', 'c']);
    expect(failures).toMatchObject([{ code: 'key_missing' }]);
    renameSync(`${key}.away`, key);
    expect(log.publisher.publishAll().published.map(({ trail }) => trail)).toEqual(['b']);
  });
});

/** The same checkpoint, signed by a key that calls itself by the same name. */
function resigned(note: string): string {
  const { text } = parseNote(note);
  const checkpoint = parseCheckpoint(text);
  const { skey } = generateKey(checkpoint.origin, new Uint8Array(32).fill(9));
  return signCheckpoint(checkpoint, [createSigner(skey)]);
}

describe('Publisher.recover', () => {
  const codeOfStart = (folder: DataFolder): string | undefined =>
    codeOf(() => new OpenLog(folder)[Symbol.dispose]());

  it('takes a log that has grown beyond what was published', () => {
    using folder = publishedFolder([5, 300], 700);
    expect(codeOfStart(folder)).toBeUndefined();
  });

  it('refuses a log that is shorter than what was published', () => {
    using folder = publishedFolder([5, 300], 301);
    run(folder.log, 'DELETE FROM tail');
    expect(codeOfStart(folder)).toBe('log_behind_published');
  });

  it.each([5, 299])('refuses a log of %i entries when 300 were published', (size) => {
    using folder = publishedFolder([size]);
    const older = `${folder.log}.older`;
    cpSync(folder.log, older);
    {
      using log = new OpenLog(folder);
      grow(log, 300);
      log.publisher.publish('main');
    }
    renameSync(older, folder.log);
    expect(codeOfStart(folder)).toBe('log_behind_published');
  });

  it('refuses a log that was set back to an older copy, or removed', () => {
    using folder = publishedFolder([300]);
    rmSync(folder.log);
    // With and without a new trail of the old name and key: the same key must not sign another history.
    expect(codeOfStart(folder)).toBe('log_behind_published');
    expect(codeOfStart(folder)).toBe('log_behind_published');
  });

  it.each([0, 3])('refuses a log that lacks a trail which has published %i entries', (size) => {
    using folder = temporaryFolder();
    {
      using log = new OpenLog(folder, { trails: ['main', 'late'] });
      grow(log, size, 'late');
      log.publisher.publish('late');
    }
    run(folder.log, "DELETE FROM trail WHERE name = 'late'");
    expect(codeOfStart(folder)).toBe('log_behind_published');
  });

  it('refuses when the record of what was published is missing, or older than the log knows', () => {
    using folder = publishedFolder([5, 300], 400);
    const [old] = history(folder);
    run(folder.published, 'UPDATE published SET size = ?, note = ?', old!.size, old!.note);
    expect(codeOfStart(folder)).toBe('log_behind_published');
    rmSync(folder.published);
    expect(codeOfStart(folder)).toBe('log_behind_published');
  });

  it.each([
    [
      'an entry after the last full bundle',
      "UPDATE tail SET data = CAST(replace(CAST(data AS TEXT), 'test', 'tEst') AS BLOB)",
    ],
    ['a hash near the root', 'UPDATE tile SET data = zeroblob(length(data)) WHERE level = 1'],
  ])('refuses a log in which %s was changed', (_, sql) => {
    using folder = publishedFolder([700]);
    run(folder.log, sql);
    expect(codeOfStart(folder)).toBe('log_forked');
  });

  it.each([
    ['with the signature of another key', (note: string) => [300, resigned(note)] as const],
    [
      'with a changed signature',
      (note: string) => [300, note.replace(/.{10}=*\n$/, (end) => end.replace(/[A-Za-z]/g, 'x'))] as const,
    ],
    ['filed under another size', (note: string) => [299, note] as const],
    ['that is none', () => [300, 'x'] as const],
  ])('refuses a published checkpoint %s', (_, forge) => {
    using folder = publishedFolder([300]);
    const [size, note] = forge(history(folder)[0]!.note);
    run(folder.published, 'UPDATE published SET size = ?, note = ?', size, note);
    // The log's own history tells nothing else.
    run(folder.log, 'UPDATE checkpoint SET size = ?, note = ?', size, note);
    expect(codeOfStart(folder)).toBe('data_folder_invalid');
  });

  it('refuses a published checkpoint of another origin, though the key of the trail has signed it', () => {
    using folder = publishedFolder([300]);
    const signer = createSigner(readFileSync(path.join(folder.keys, 'main.key'), 'utf8').trim());
    const checkpoint = parseCheckpoint(parseNote(history(folder)[0]!.note).text);
    for (const [origin, code] of [
      ['audit.example/other', 'data_folder_invalid'],
      ['audit.example/main', undefined],
    ] as const) {
      const note = signCheckpoint({ ...checkpoint, origin }, [signer]);
      run(folder.published, 'UPDATE published SET note = ?', note);
      expect(codeOfStart(folder)).toBe(code);
    }
  });

  it.each([
    [300, 100],
    [301, 100],
    [700, 100],
    [700, 299],
    [700, 0],
  ])('refuses %i entries of which only the first %i are those of the 300 published', (size, common) => {
    using folder = publishedFolder([common]);
    using twin = temporaryFolder();
    cpSync(folder.dir, twin.dir, { recursive: true });
    {
      using log = new OpenLog(folder);
      grow(log, 300);
      log.publisher.publish('main');
      using other = new OpenLog(twin);
      grow(other, size, 'main', 'other.event');
    }
    cpSync(twin.log, folder.log);
    expect(codeOfStart(folder)).toBe('log_forked');
    // Nor does it come to be signed by starting again.
    expect(codeOfStart(folder)).toBe('log_forked');
  });

  it.each(['missing', 'of another trail', 'of another one of this name', 'not a key'])(
    'refuses to start when a signing key is %s',
    (kind) => {
      using folder = publishedFolder([10]);
      const file = path.join(folder.keys, 'main.key');
      if (kind === 'missing') rmSync(file);
      else if (kind === 'not a key') writeFileSync(file, 'x\n');
      else {
        const name = kind === 'of another trail' ? 'other' : 'main';
        writeFileSync(file, `${generateKey(`audit.example/${name}`, new Uint8Array(32)).skey}\n`);
      }
      expect(codeOfStart(folder)).toBe('key_missing');
    },
  );

  it.each([
    { before: [4], size: 9 },
    { before: [], size: 0 },
  ])(
    'completes the history of a log that stopped between publishing and noting it: $before, $size',
    ({ before, size }) => {
      using folder = temporaryFolder();
      {
        let isFailing = false;
        using log = new OpenLog(folder, {
          fault: (point) => {
            if (isFailing && point === 'checkpoint') throw new Error('injected');
          },
        });
        for (const to of before) {
          grow(log, to);
          log.publisher.publish('main');
        }
        grow(log, size);
        isFailing = true;
        expect(() => log.publisher.publish('main')).toThrow('injected');
      }
      const sizes = (): number[] => history(folder).map((row) => row.size);
      expect(sizes()).toEqual(before);
      using log = new OpenLog(folder);
      expect(sizes()).toEqual([...before, size]);
      expect(log.publisher.last('main')?.size).toBe(size);
    },
  );
});
