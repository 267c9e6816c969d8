import { describe, expect, it } from 'vitest';
import { entryBytes, MemoryTrail } from '../testing/memory-trail.ts';
import { failures, SIZES, verify } from '../testing/verdicts.ts';

describe('changed hash tiles', () => {
  it('a changed leaf hash is told from a changed entry', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.flipHash(0, 1, 44);
    const verdict = await verify(trail);
    expect(failures(verdict)).toEqual([['tiles', 'modified', 300, 300]]);
    expect(verdict.ranges).toEqual([{ first: 0, last: 699, code: 'intact' }]);
  });

  it('a changed hash of an upper level is named by the entries below it', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.flipHash(1, 0, 1);
    expect(failures(await verify(trail))).toEqual([['tiles', 'modified', 256, 511]]);
  });

  it('an entry and the hash of its block, both changed, are both named', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.entries[400] = entryBytes(9999);
    trail.flipHash(1, 0, 1);
    expect(failures(await verify(trail))).toEqual(
      expect.arrayContaining([
        ['entries', 'modified', 400, 400],
        ['tiles', 'modified', 256, 511],
      ]),
    );
  });

  it('a changed upper hash that no checkpoint judges is a failure', async () => {
    const trail = new MemoryTrail(700, [300]);
    trail.flipHash(1, 0, 1);
    expect(failures(await verify(trail))).toEqual([['tiles', 'modified', 256, 511]]);
  });

  it('missing tiles are named', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.tiles.delete('0/0');
    expect(failures(await verify(trail))).toEqual([['tiles', 'missing', 0, 255]]);
    trail.tiles.set('0/1', trail.tiles.get('0/1')!.subarray(0, 32 * 10));
    trail.tiles.delete('1/0');
    expect(failures(await verify(trail))).toEqual([['tiles', 'missing', 0, 511]]);
    trail.rebuildTiles();
    trail.tiles.set('1/0', trail.tiles.get('1/0')!.subarray(32));
    trail.tiles.set('0/2', new Uint8Array(0));
    expect(failures(await verify(trail))).toEqual([
      ['tiles', 'missing', 256, 511],
      ['tiles', 'modified', 0, 255],
    ]);
  });

  it('unreadable tiles are named, once', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.tiles.set('0/1', new Uint8Array(33));
    trail.tiles.set('1/0', new Uint8Array(32 * 257));
    expect(failures(await verify(trail))).toEqual([['tiles', 'unreadable']]);
  });

  it('hashes beyond the end of the log tell that it was longer', async () => {
    const long = new MemoryTrail(700, []);
    const trail = new MemoryTrail(600, [600]);
    trail.tiles.set('0/2', long.tiles.get('0/2')!);
    expect(failures(await verify(trail))).toEqual([['tiles', 'truncated', 600, 699]]);
    const aligned = new MemoryTrail(512, [512]);
    aligned.tiles.set('0/2', long.tiles.get('0/2')!);
    aligned.tiles.set('1/0', new MemoryTrail(768, []).tiles.get('1/0')!);
    expect(failures(await verify(aligned))).toEqual([['tiles', 'truncated', 512, 767]]);
    const empty = new MemoryTrail(0, [0]);
    empty.tiles.set('0/0', long.tiles.get('0/0')!);
    expect(failures(await verify(empty))).toEqual([['tiles', 'truncated', 0, 255]]);
  });

  it('without a tile for the last block, a block that is full has none beyond it', async () => {
    const trail = new MemoryTrail(600, [600]);
    trail.tiles.delete('0/2');
    expect(failures(await verify(trail))).toEqual([]);
  });
});
