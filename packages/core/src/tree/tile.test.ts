import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { MemoryTree } from '../testing/memory-tree.ts';
import { bundlePath, hashInTile, parseTilePath, partialWidth, tileOfNode, tilePath } from './tile.ts';

const width = fc.integer({ min: 1, max: 256 });
const n = fc.oneof(fc.nat(2000), fc.maxSafeNat());

describe('tile paths', () => {
  it('split the index into groups of three digits', () => {
    expect(tilePath(0, 0)).toBe('tile/0/000');
    expect(tilePath(63, 1_234_067, 89)).toBe('tile/63/x001/x234/067.p/89');
    expect(tilePath(1, 999)).toBe('tile/1/999');
    expect(bundlePath(1000)).toBe('tile/entries/x001/000');
  });

  it('read back as what they name', () => {
    fc.assert(
      fc.property(fc.nat(63), n, width, (level, index, w) => {
        expect(parseTilePath(tilePath(level, index, w))).toEqual({ kind: 'hash', level, n: index, width: w });
        expect(parseTilePath(bundlePath(index, w))).toEqual({ kind: 'entries', n: index, width: w });
      }),
    );
  });

  it.each([
    '',
    'tile',
    'tile/0',
    'tile/0/',
    'tile/0/0',
    'tile/0/00',
    'tile/0/0000',
    '/tile/0/000',
    'tile/0/000/',
    'tile/00/000',
    'tile/01/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/0/x000/001',
    'tile/0/001/002',
    'tile/0/x001',
    'tile/0/x001/',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/999',
    'tile/0/000.p/',
    'tile/0/000.p',
    'tile/0/000\n',
    'tile/entries/00a',
    'tile/Entries/000',
    'tile/0/x009/x007/x199/x254/x740/992',
    `tile/0/${'x001/'.repeat(1000)}001`,
  ])('refuse %j', (path) => {
    expect(codeOf(() => parseTilePath(path))).toBe('not_found');
  });

  it('reading any text gives a resource or not_found, and only one text names a resource', () => {
    const pieces = fc.constantFrom('tile', '/', 'x', '000', '0', '1', '256', '.p/', 'entries', '9', 'x001');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((parts) => parts.join('')),
        ),
        (path) => {
          let resource: ReturnType<typeof parseTilePath> | undefined;
          const code = codeOf(() => {
            resource = parseTilePath(path);
          });
          expect([undefined, 'not_found']).toContain(code);
          if (resource?.kind === 'hash')
            expect(tilePath(resource.level, resource.n, resource.width)).toBe(path);
          if (resource?.kind === 'entries') expect(bundlePath(resource.n, resource.width)).toBe(path);
        },
      ),
    );
  });

  it('are not written for what is no tile', () => {
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(codeOf(() => tilePath(bad, 0))).toBe('internal');
      expect(codeOf(() => bundlePath(bad))).toBe('internal');
      expect(codeOf(() => bundlePath(0, bad))).toBe('internal');
    }
    expect(codeOf(() => tilePath(64, 0))).toBe('internal');
    for (const bad of [0, 257]) expect(codeOf(() => tilePath(0, 0, bad))).toBe('internal');
  });
});

describe('partialWidth', () => {
  it('counts the hashes of a tile at a size', () => {
    expect(partialWidth(0, 0, 0)).toBe(0);
    expect(partialWidth(0, 0, 255)).toBe(255);
    expect(partialWidth(0, 0, 256)).toBe(256);
    expect(partialWidth(0, 1, 256)).toBe(0);
    expect(partialWidth(1, 0, 255)).toBe(0);
    expect(partialWidth(1, 0, 256)).toBe(1);
    expect([272, 273, 274].map((tile) => partialWidth(0, tile, 70_000))).toEqual([256, 112, 0]);
    expect([0, 1, 2].map((tile) => partialWidth(1, tile, 70_000))).toEqual([256, 17, 0]);
    expect(partialWidth(2, 0, 70_000)).toBe(1);
  });

  it('adds up to the complete subtrees of each level', () => {
    fc.assert(
      fc.property(fc.nat(200_000), fc.nat(3), (size, level) => {
        const complete = Math.floor(size / 256 ** level);
        let sum = 0;
        for (let tile = 0; tile <= complete / 256; tile++) sum += partialWidth(level, tile, size);
        expect(sum).toBe(complete);
      }),
    );
  });
});

describe('hashInTile', () => {
  const tree = new MemoryTree();
  for (let i = 0; i < 1000; i++) tree.append(Uint8Array.of(i >> 8, i));

  it('computes any node from the tile that tileOfNode names', () => {
    for (let level = 0; level <= 9; level++)
      for (let index = 0; (index + 1) * 2 ** level <= tree.size; index += 1 + (index % 5)) {
        const at = tileOfNode(level, index);
        const tile = tree.tile(at.level, at.n);
        expect(hashInTile(tile, level, index, tree.hasher)).toEqual(tree.getNode(level, index));
        expect(hashInTile(tile, at.nodeLevel, at.nodeIndex, tree.hasher)).toEqual(tree.getNode(level, index));
      }
  });

  it('refuses bytes that are no tile, and a node that the tile does not reach', () => {
    const partial = tree.tile(0, 3);
    expect(partial).toHaveLength(232 * 32);
    expect(hashInTile(partial, 3, 28, tree.hasher)).toHaveLength(32);
    expect(codeOf(() => hashInTile(partial, 3, 29, tree.hasher))).toBe('invalid_proof');
    expect(codeOf(() => hashInTile(partial, 0, 232, tree.hasher))).toBe('invalid_proof');
    expect(codeOf(() => hashInTile(new Uint8Array(0), 0, 0, tree.hasher))).toBe('invalid_proof');
    expect(codeOf(() => hashInTile(new Uint8Array(33), 0, 0, tree.hasher))).toBe('invalid_proof');
    expect(codeOf(() => hashInTile(new Uint8Array(257 * 32), 0, 0, tree.hasher))).toBe('invalid_proof');
  });
});
