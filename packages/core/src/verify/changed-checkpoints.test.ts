import { describe, expect, it } from 'vitest';
import { generateKey } from '../checkpoint/key.ts';
import { createSigner, formatSignatureLine, parseNote, signNote } from '../checkpoint/note.ts';
import { parsePolicy } from '../checkpoint/policy.ts';
import { entryBytes, logKey, logSigner, MemoryTrail, noteAt, ORIGIN } from '../testing/memory-trail.ts';
import { failures, SIZES, verify } from '../testing/verdicts.ts';

/** The note with one bit of its last signature flipped. */
function flipSignature(note: string): string {
  const signed = parseNote(note);
  const signature = signed.signatures.at(-1)!;
  const flipped = signature.signature.slice();
  flipped[9]! ^= 1;
  return `${signed.text}\n${formatSignatureLine({ ...signature, signature: flipped })}`;
}

describe('checkpoints', () => {
  it('a log cut off behind a signed checkpoint is truncated', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.entries.length = 600;
    trail.rebuildTiles();
    const verdict = await verify(trail);
    expect(failures(verdict)).toEqual([
      ['entries', 'truncated', 600, 699],
      ['published', 'truncated'],
    ]);
    expect(verdict.code).toBe('truncated');
    expect(verdict.ranges).toEqual([
      { first: 0, last: 511, code: 'intact' },
      { first: 512, last: 599, code: 'not_covered' },
      { first: 600, last: 699, code: 'truncated' },
    ]);
  });

  it('a remembered checkpoint that the entries were cut off behind, or changed under, fails too', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.remembered = trail.checkpoints[4]!.note;
    trail.entries.length = 600;
    trail.rebuildTiles();
    expect(failures(await verify(trail))).toContainEqual(['remembered', 'truncated']);
    trail.entries = new MemoryTrail(700, []).entries;
    trail.entries[600] = entryBytes(9999);
    trail.rebuildTiles();
    expect(failures(await verify(trail))).toContainEqual(['remembered', 'modified']);
  });

  it('a log set back together with its checkpoints is rolled back', async () => {
    const newer = new MemoryTrail(700, SIZES);
    const trail = new MemoryTrail(600, [1, 512]);
    trail.published = newer.published;
    const verdict = await verify(trail);
    expect(verdict.code).toBe('rolled_back');
    expect(failures(verdict)).toEqual([['published', 'rolled_back', 600, 699]]);
    trail.published = trail.checkpoints[1]!.note;
    trail.remembered = newer.published;
    expect(failures(await verify(trail))).toEqual([['remembered', 'rolled_back', 600, 699]]);
  });

  it('a log set back and continued has forked from what it published', async () => {
    const trail = new MemoryTrail(700, SIZES);
    const other = new MemoryTrail(400, []);
    other.entries[350] = entryBytes(9);
    trail.published = noteAt(other.tree(), 400);
    trail.remembered = trail.published;
    const verdict = await verify(trail);
    expect(verdict.code).toBe('forked');
    expect(failures(verdict)).toEqual([
      ['published', 'forked'],
      ['remembered', 'forked'],
    ]);
    expect(verdict.ranges).toEqual([{ first: 0, last: 699, code: 'intact' }]);
  });

  it('two signed roots for one size are a fork, whichever comes first', async () => {
    for (const size of [512, 700]) {
      const trail = new MemoryTrail(700, SIZES);
      const other = new MemoryTrail(700, []);
      other.entries[0] = entryBytes(9);
      const forked = noteAt(other.tree(), size);
      trail.published = forked;
      expect(failures(await verify(trail))).toEqual([['published', 'forked']]);
      const good = trail.checkpoints.find((checkpoint) => checkpoint.size === size)!;
      trail.published = good.note;
      trail.checkpoints = trail.checkpoints.map((checkpoint) =>
        checkpoint === good ? { size, note: forked } : checkpoint,
      );
      expect(failures(await verify(trail))).toEqual([['checkpoints', 'forked']]);
    }
  });

  it('several signed roots of another history are one fork', async () => {
    const trail = new MemoryTrail(700, SIZES);
    const other = new MemoryTrail(700, [100, 300, 512]);
    other.entries[0] = entryBytes(9);
    const tree = other.tree();
    trail.checkpoints = [
      ...[100, 300, 512].map((size) => ({ size, note: noteAt(tree, size) })),
      trail.checkpoints.at(-1)!,
    ];
    const verdict = await verify(trail);
    expect(failures(verdict)).toEqual([['checkpoints', 'forked']]);
    expect(verdict.checks[0]!.message).toContain('sizes 100 to 512');
  });

  it('signed by a key that is not pinned counts for nothing', async () => {
    const stranger = createSigner(generateKey(ORIGIN, new Uint8Array(32).fill(9)).skey);
    const trail = new MemoryTrail(700, SIZES, [stranger]);
    const verdict = await verify(trail);
    expect(failures(verdict)).toEqual([
      ['checkpoints', 'key_unknown'],
      ['coverage', 'not_covered', 0, 699],
      ['published', 'key_unknown'],
    ]);
    expect(verdict.code).toBe('key_unknown');
    expect(verdict.assurance.selfSigned).toBe(false);
  });

  it('an unpinned key beside the pinned one does no harm', async () => {
    const stranger = createSigner(generateKey(ORIGIN, new Uint8Array(32).fill(9)).skey);
    expect(failures(await verify(new MemoryTrail(700, SIZES, [logSigner, stranger])))).toEqual([]);
  });

  it('a changed signature, text or size of a stored checkpoint is found', async () => {
    const good = new MemoryTrail(700, SIZES);
    const tree = good.tree();
    const { size, note } = good.checkpoints[2]!;
    const wrongSize = noteAt(tree, 301);
    const changes: [string, string][] = [
      [note.replace('\n300\n', '\n301\n'), 'modified'],
      [flipSignature(note), 'modified'],
      [wrongSize, 'modified'],
      ['nonsense', 'unreadable'],
      ['', 'unreadable'],
      [signNote('hello\n', [logSigner]), 'unreadable'],
    ];
    for (const [changed, code] of changes) {
      const trail = new MemoryTrail(700, SIZES);
      trail.checkpoints[2] = { size, note: changed };
      expect(failures(await verify(trail)), changed).toEqual([['checkpoints', code]]);
    }
  });

  it('a checkpoint of another log of the policy is no checkpoint of this one', async () => {
    const otherKey = generateKey('audit.example/other', new Uint8Array(32).fill(5));
    const otherSigner = createSigner(otherKey.skey);
    const both = parsePolicy(`log ${logKey.vkey}\nlog ${otherKey.vkey}\nquorum none\n`);
    const trail = new MemoryTrail(700, SIZES);
    trail.checkpoints[1] = {
      size: 100,
      note: noteAt(trail.tree(), 100, [otherSigner], 'audit.example/other'),
    };
    expect(failures(await verify(trail, { policy: both }))).toEqual([['checkpoints', 'modified']]);
  });

  it('sizes that do not rise are found', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.checkpoints = [
      trail.checkpoints[3]!,
      trail.checkpoints[1]!,
      trail.checkpoints[3]!,
      trail.checkpoints[4]!,
    ];
    const verdict = await verify(trail);
    expect(failures(verdict)).toEqual([['checkpoints', 'inserted_or_reordered']]);
    expect(verdict.checks[0]!.message).toContain('1 more');
  });

  it('a bad published or remembered checkpoint fails its own check', async () => {
    const cases: [string, string][] = [
      ['nonsense', 'unreadable'],
      [new MemoryTrail(700, [700]).published!.replace('\n700\n', '\n701\n'), 'modified'],
      [noteAt(new MemoryTrail(5, []).tree(), 5, []), 'unreadable'],
      [
        noteAt(new MemoryTrail(5, []).tree(), 5, [createSigner(generateKey('x', new Uint8Array(32)).skey)]),
        'key_unknown',
      ],
    ];
    for (const [note, code] of cases)
      for (const check of ['published', 'remembered'] as const) {
        const trail = new MemoryTrail(700, SIZES);
        trail[check] = note;
        expect(failures(await verify(trail))).toEqual([[check, code]]);
      }
  });

  it('a remembered checkpoint finds a history rewritten and signed anew', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.entries[150] = entryBytes(150, { receivedAt: '2026-01-01T00:00:00.151Z' });
    const forged = trail.rebuildTiles();
    trail.remembered = trail.checkpoints[3]!.note;
    trail.checkpoints = SIZES.map((size) => ({ size, note: noteAt(forged, size) }));
    trail.published = trail.checkpoints.at(-1)!.note;
    const verdict = await verify(trail);
    expect(verdict.code).toBe('forked');
    expect(failures(verdict)).toEqual([['remembered', 'forked']]);
  });

  it('entries without any checkpoint fail', async () => {
    const verdict = await verify(new MemoryTrail(700, []));
    expect(failures(verdict)).toEqual([['coverage', 'not_covered', 0, 699]]);
    expect(verdict).toMatchObject({ ok: false, code: 'not_covered', checkpoint: undefined });
    expect(failures(await verify(new MemoryTrail(700, [0])))).toEqual([['coverage', 'not_covered', 0, 699]]);
    expect(failures(await verify(new MemoryTrail(0, [])))).toEqual([]);
  });
});
