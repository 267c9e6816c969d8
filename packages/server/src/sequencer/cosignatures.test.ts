import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  createCosigner,
  createSigner,
  generateKey,
  type NoteSignature,
  parseNote,
  signCheckpoint,
  verifierFromVkey,
} from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import type { DataFolder } from '../adapters/fs/data-folder.ts';
import { createNativeSigner } from '../adapters/native-ed25519.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import type { WriteFault } from '../ports.ts';
import { codeOf } from '../testing/code-of.ts';
import { OpenLog } from './testing/open-log.ts';
import { batchOf, groupOf, risingEvents } from './testing/sent.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

const cosigner = (name: string): ReturnType<typeof createCosigner> =>
  createCosigner(generateKey(name, new Uint8Array(32).fill(name.length), 4).skey);
const first = cosigner('first.example');
const second = cosigner('w.second.example');
const witnesses = [first, second].map(({ vkey }) => verifierFromVkey(vkey));

/** Grows `main` to a size and publishes it. */
function publish(log: OpenLog, to: number): void {
  const from = log.sequencer.head('main').size;
  log.sequencer.append(batchOf(groupOf(risingEvents(from, to))));
  log.publisher.grew('main');
  log.publisher.publishAll();
}

const cosignature = ({ at }: typeof first, note: string): NoteSignature => {
  const { name, keyId, sign } = at(1_700_000_000);
  return { name, keyId, signature: sign(parseNote(note).text) };
};

const signersOf = (note: string | undefined): string[] => parseNote(note!).signatures.map(({ name }) => name);

/** Who signed what is stored of a size: in the log, and apart. */
function stored(folder: DataFolder, size: number): { log: string[]; apart: string[] | undefined } {
  using log = new OpenLog(folder);
  const apart = log.published.all().find((row) => row.size === size);
  return {
    log: signersOf(log.store.checkpoint(1, size)?.note),
    apart: apart && signersOf(apart.note),
  };
}

/** A folder whose trail has published these sizes. */
function publishedFolder(...sizes: number[]): DataFolder & Disposable {
  const folder = temporaryFolder();
  using log = new OpenLog(folder);
  for (const size of sizes) publish(log, size);
  return folder;
}

const own = 'audit.example/main';

describe('cosignatures', () => {
  it('of the last checkpoint are stored with it, in the log and apart, and shown', () => {
    using folder = publishedFolder(5);
    {
      using log = new OpenLog(folder);
      const { note } = log.publisher.last('main')!;
      expect(log.publisher.storeCosignatures()).toEqual([]);
      for (const witness of [first, second]) log.publisher.cosign('main', 5, [cosignature(witness, note)]);
      const [cosigned] = log.publisher.storeCosignatures();
      expect(cosigned).toEqual({ trail: 'main', checkpoint: log.publisher.last('main') });
      // Once more changes nothing, and there is none of another size.
      log.publisher.cosign('main', 5, [cosignature(first, note)]);
      log.publisher.cosign('main', 4, [cosignature(first, note)]);
      expect(log.publisher.storeCosignatures()).toEqual([cosigned]);
      expect(log.publisher.storeCosignatures()).toEqual([]);
    }
    const signers = [own, first.name, second.name];
    expect(stored(folder, 5)).toEqual({ log: signers, apart: signers });
    using log = new OpenLog(folder);
    expect(signersOf(log.publisher.last('main')?.note)).toEqual(signers);
    using reader = new SqliteLogReader(folder.log);
    expect(reader.lastSignedBy('main', first)?.size).toBe(5);
    expect(reader.lastSignedBy('main', { ...first, name: 'first' })).toBeUndefined();
    // Another key of the same name has signed nothing.
    expect(reader.lastSignedBy('main', { ...first, keyId: second.keyId })).toBeUndefined();
  });

  it('of an earlier one leave the last one as it is', () => {
    using folder = publishedFolder(5, 9);
    {
      using log = new OpenLog(folder);
      const { note } = log.store.checkpoint(1, 5)!;
      log.publisher.cosign('main', 5, [cosignature(first, note)]);
      expect(log.publisher.storeCosignatures()).toHaveLength(1);
      expect(log.publisher.last('main')?.size).toBe(9);
    }
    expect(stored(folder, 5)).toEqual({ log: [own, first.name], apart: undefined });
    expect(stored(folder, 9)).toEqual({ log: [own], apart: [own] });
  });

  it.each(['published before', 'published after', 'cosign before', 'cosign after'])(
    'that cannot be stored wait, and a stop in between loses none that was stored apart: %s',
    (failing) => {
      for (const isStopped of [true, false]) {
        using folder = publishedFolder(5);
        {
          let fault: string | undefined = failing;
          const inject: WriteFault = (point, phase) => {
            if (fault === `${point} ${phase}`) throw new Error('injected');
          };
          using log = new OpenLog(folder, { fault: inject });
          const { note } = log.publisher.last('main')!;
          log.publisher.cosign('main', 5, [cosignature(first, note)]);
          expect(() => log.publisher.storeCosignatures()).toThrow('injected');
          expect(log.publisher.last('main')?.note).toBe(note);
          fault = undefined;
          if (!isStopped) {
            expect(log.publisher.storeCosignatures()).toHaveLength(1);
            expect(signersOf(log.publisher.last('main')?.note)).toEqual([own, first.name]);
          }
        }
        const signers = isStopped && failing === 'published before' ? [own] : [own, first.name];
        expect(stored(folder, 5)).toEqual({ log: signers, apart: signers });
      }
    },
  );
});

describe('a checkpoint that a witness shows', () => {
  const signerOf = (folder: DataFolder): ReturnType<typeof createNativeSigner> =>
    createNativeSigner(readFileSync(path.join(folder.keys, 'main.key'), 'utf8').trim());
  const root = new Uint8Array(32).fill(7);

  it('of a larger tree, signed by the trail, ends its signing now and after every start', () => {
    using folder = publishedFolder(5);
    {
      using log = new OpenLog(folder, { trails: ['main', 'other'] });
      const shown = (size: number): string => signCheckpoint({ origin: own, size, root }, [signerOf(folder)]);
      expect(log.publisher.compare('main', shown(9))?.code).toBe('log_behind_published');
      expect(log.publisher.compare('main', shown(8))?.code).toBe('log_behind_published');
      log.sequencer.append(batchOf(groupOf(risingEvents(5, 7))));
      log.sequencer.append(batchOf(groupOf(risingEvents(0, 2, { trail: 'other' }))));
      for (const trail of ['main', 'other']) log.publisher.grew(trail);
      const { published, failures } = log.publisher.publishAll();
      expect([published.map(({ trail }) => trail), failures]).toEqual([['other'], []]);
      expect(codeOf(() => log.publisher.publish('main'))).toBe('log_behind_published');
      // What it had published before is cosigned in the log, and what the witness showed stays apart.
      log.publisher.cosign('main', 5, [cosignature(first, log.publisher.last('main')!.note)]);
      expect(log.publisher.storeCosignatures()).toHaveLength(1);
      expect(log.published.all().find(({ trail }) => trail === 'main')).toMatchObject({ size: 9 });
    }
    expect(codeOf(() => new OpenLog(folder))).toBe('log_behind_published');
  });

  it.each(['before', 'after'] as const)('is kept by the next attempt where the disk failed %s', (when) => {
    using folder = publishedFolder(5);
    {
      let isFailing = true;
      const fault: WriteFault = (point, phase) => {
        if (isFailing && point === 'published' && phase === when) throw new Error('injected');
      };
      using log = new OpenLog(folder, { fault });
      const note = signCheckpoint({ origin: own, size: 9, root }, [signerOf(folder)]);
      expect(() => log.publisher.compare('main', note)).toThrow('injected');
      log.sequencer.append(batchOf(groupOf(risingEvents(5, 7))));
      log.publisher.grew('main');
      expect(codeOf(() => log.publisher.publish('main'))).toBe('log_behind_published');
      isFailing = false;
      expect(log.publisher.compare('main', note)?.code).toBe('log_behind_published');
      expect(log.published.all()).toMatchObject([{ trail: 'main', size: 9 }]);
    }
    expect(codeOf(() => new OpenLog(folder))).toBe('log_behind_published');
  });

  it('of another history, signed by the trail, ends its signing', () => {
    using folder = publishedFolder(5);
    using log = new OpenLog(folder);
    const note = signCheckpoint({ origin: own, size: 3, root }, [signerOf(folder)]);
    expect(log.publisher.compare('main', note)?.code).toBe('log_forked');
    log.sequencer.append(batchOf(groupOf(risingEvents(5, 7))));
    log.publisher.grew('main');
    expect(codeOf(() => log.publisher.publish('main'))).toBe('log_forked');
  });

  it('proves nothing when the trail did not sign it, or it says what the log says', () => {
    using folder = publishedFolder(5);
    using log = new OpenLog(folder);
    const stranger = createSigner(generateKey(own, new Uint8Array(32).fill(9)).skey);
    for (const note of [
      log.publisher.last('main')!.note,
      signCheckpoint({ origin: own, size: 900, root }, [stranger]),
      signCheckpoint({ origin: 'audit.example/other', size: 900, root }, [signerOf(folder)]),
      'nonsense',
      '',
    ])
      expect(log.publisher.compare('main', note)).toBeUndefined();
    expect(log.publisher.compare('none', '')).toBeUndefined();
    publish(log, 6);
    expect(log.publisher.last('main')?.size).toBe(6);
  });
});

describe('cosigned checkpoints', () => {
  const dayMs = 86_400_000;
  const secondMs = 1_000;

  /** A trail of 60 checkpoints within a minute, of which some are cosigned, and what stays of it two days later. */
  function kept(
    cosigned: ReadonlyMap<number, readonly (typeof first)[]>,
    later: readonly (typeof first)[],
    asked = witnesses,
  ): number[] {
    using folder = temporaryFolder();
    let nowMs = Date.UTC(2026, 0, 1);
    using log = new OpenLog(folder, { now: () => nowMs, witnesses: asked });
    const grow = (by: readonly (typeof first)[] = []): void => {
      publish(log, log.sequencer.head('main').size + 1);
      const { size, note } = log.publisher.last('main')!;
      log.publisher.cosign(
        'main',
        size,
        by.map((witness) => cosignature(witness, note)),
      );
      log.publisher.storeCosignatures();
    };
    for (let size = 1; size <= 60; size++, nowMs += secondMs / 2) grow(cosigned.get(size));
    nowMs += 2 * dayMs;
    grow(later);
    for (let i = 0; i < 12; i++) grow();
    return log.store.checkpointsAfter(1, 0, 100).flatMap(({ size }) => (size <= 60 ? size : []));
  }
  const some = new Map([
    [10, [first]],
    [20, [first]],
    [30, [first, second]],
    [40, [second]],
    [50, [first, second]],
  ]);

  it('are thinned too, to the first that witnesses signed together, once these have signed a newer one', () => {
    expect(kept(some, [first, second])).toEqual([1, 10, 30]);
  });

  it('stay as long as there is no newer one of all of their witnesses', () => {
    expect(kept(some, [])).toEqual([1, 10, 30, 50]);
    expect(kept(some, [first])).toEqual([1, 10, 30, 50]);
  });

  it('stay when a witness that is not asked signed them', () => {
    expect(kept(some, [first], witnesses.slice(0, 1))).toEqual([1, 10, 30, 40, 50]);
  });
});
