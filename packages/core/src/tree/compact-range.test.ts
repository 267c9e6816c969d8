import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { CompactRange, foldRight } from './compact-range.ts';
import { createTreeHasher } from './hash.ts';

const hasher = createTreeHasher();
const leaf = (i: number) => hasher.leafHash(new TextEncoder().encode(`leaf ${i}`));

/** RFC 6962 section 2.1, word for word. */
function naiveRoot(start: number, end: number): Uint8Array {
  if (end - start === 0) return hasher.emptyRoot;
  if (end - start === 1) return leaf(start);
  let k = 1;
  while (k * 2 < end - start) k *= 2;
  return hasher.nodeHash(naiveRoot(start, start + k), naiveRoot(start + k, end));
}

describe('CompactRange', () => {
  it('has the root that RFC 6962 defines at every size', () => {
    const range = new CompactRange(hasher);
    for (let size = 0; size <= 70; size++) {
      expect(range.size).toBe(size);
      expect(range.root()).toEqual(naiveRoot(0, size));
      range.append(leaf(size));
    }
  });

  it('goes on from stored hashes as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (before, after) => {
        const whole = new CompactRange(hasher);
        for (let i = 0; i < before; i++) whole.append(leaf(i));
        const resumed = new CompactRange(hasher, whole.size, whole.hashes());
        for (let i = before; i < before + after; i++) {
          whole.append(leaf(i));
          resumed.append(leaf(i));
        }
        expect(resumed.hashes()).toEqual(whole.hashes());
        expect(resumed.root()).toEqual(whole.root());
      }),
      { numRuns: 25 },
    );
  });

  it('reports each complete subtree once, the leaf first and then upward', () => {
    const range = new CompactRange(hasher);
    const seen = new Map<string, Uint8Array>();
    const order: string[] = [];
    for (let i = 0; i < 12; i++)
      range.append(leaf(i), (level, index, hash) => {
        order.push(`${level}/${index}`);
        expect(seen.has(`${level}/${index}`)).toBe(false);
        seen.set(`${level}/${index}`, hash);
      });
    expect(order.slice(0, 7)).toEqual(['0/0', '0/1', '1/0', '0/2', '0/3', '1/1', '2/0']);
    for (const [key, hash] of seen) {
      const [level, index] = key.split('/').map(Number);
      expect(hash).toEqual(naiveRoot(index! * 2 ** level!, (index! + 1) * 2 ** level!));
    }
    expect(seen.size).toBe(12 + 6 + 3 + 1);
  });

  it('keeps indexes exact beyond 32 bits', () => {
    const size = 2 ** 40 + 1;
    const range = new CompactRange(hasher, size, [leaf(0), leaf(1)]);
    const nodes: [number, number][] = [];
    range.append(leaf(2), (level, index) => nodes.push([level, index]));
    expect(nodes).toEqual([
      [0, 2 ** 40 + 1],
      [1, 2 ** 39],
    ]);
    expect(range.size).toBe(2 ** 40 + 2);
    expect(range.root()).toEqual(hasher.nodeHash(leaf(0), hasher.nodeHash(leaf(1), leaf(2))));
  });

  it('refuses to resume from what is not a state of it', () => {
    const hash = leaf(0);
    expect(codeOf(() => new CompactRange(hasher, 3, [hash]))).toBe('internal');
    expect(codeOf(() => new CompactRange(hasher, 0, [hash]))).toBe('internal');
    expect(codeOf(() => new CompactRange(hasher, 1, [hash.subarray(1)]))).toBe('internal');
    for (const size of [-1, 0.5, Number.NaN, 2 ** 53])
      expect(codeOf(() => new CompactRange(hasher, size))).toBe('internal');
  });

  it('refuses an entry beyond 2^53-1', () => {
    const full = new CompactRange(hasher, Number.MAX_SAFE_INTEGER, new Array(53).fill(leaf(0)));
    expect(codeOf(() => full.append(leaf(1)))).toBe('internal');
  });

  it('hands out copies of its state', () => {
    const range = new CompactRange(hasher, 1, [leaf(0)]);
    (range.hashes() as Uint8Array[]).pop();
    expect(range.root()).toEqual(leaf(0));
  });
});

describe('foldRight', () => {
  it('has nothing to fold without hashes', () => {
    expect(foldRight([], hasher)).toBeUndefined();
  });
});
