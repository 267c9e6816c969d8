import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { MemoryTree } from '../testing/memory-tree.ts';
import {
  consistencyNodes,
  inclusionNodes,
  proveConsistency,
  proveInclusion,
  rootAt,
  subtreesOf,
  verifyConsistency,
  verifyInclusion,
} from './proof.ts';

const MAX = 300;
const tree = new MemoryTree();
for (let i = 0; i < MAX; i++) tree.append(new TextEncoder().encode(`entry ${i}`));
const { hasher, getNode } = tree;
const leaf = (i: number) => getNode(0, i);

// The definitions of RFC 6962 section 2.1, word for word: MTH, PATH, PROOF and SUBPROOF.
function splitOf(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
function mth(start: number, end: number): Uint8Array {
  if (end === start) return hasher.emptyRoot;
  if (end - start === 1) return leaf(start);
  const k = splitOf(end - start);
  return hasher.nodeHash(mth(start, start + k), mth(start + k, end));
}
function path(m: number, start: number, end: number): Uint8Array[] {
  if (end - start === 1) return [];
  const k = splitOf(end - start);
  return m < k
    ? [...path(m, start, start + k), mth(start + k, end)]
    : [...path(m - k, start + k, end), mth(start, start + k)];
}
function subproof(m: number, start: number, end: number, whole: boolean): Uint8Array[] {
  if (m === end - start) return whole ? [] : [mth(start, end)];
  const k = splitOf(end - start);
  return m <= k
    ? [...subproof(m, start, start + k, whole), mth(start + k, end)]
    : [...subproof(m - k, start + k, end, false), mth(start, start + k)];
}

const inclusionCase = fc
  .integer({ min: 1, max: MAX })
  .chain((size) => fc.record({ size: fc.constant(size), index: fc.nat(size - 1) }));
const consistencyCase = fc
  .integer({ min: 1, max: MAX })
  .chain((newSize) =>
    fc.record({ newSize: fc.constant(newSize), oldSize: fc.integer({ min: 1, max: newSize }) }),
  );

/** One change to a proof: a flipped bit, a hash dropped, doubled, swapped, cut or added. */
type Mutation = {
  kind: 'flip' | 'drop' | 'double' | 'swap' | 'cut' | 'append' | 'prepend';
  at: number;
  bit: number;
};
const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('flip', 'drop', 'double', 'swap', 'cut', 'append', 'prepend'),
  at: fc.nat(),
  bit: fc.nat(255),
});
function mutate(proof: readonly Uint8Array[], { kind, at, bit }: Mutation): Uint8Array[] | undefined {
  const hashes = proof.map((hash) => hash.slice());
  const extra = new Uint8Array(32).fill(bit);
  if (kind === 'append') return [...hashes, extra];
  if (kind === 'prepend') return [extra, ...hashes];
  if (hashes.length === 0) return undefined;
  const i = at % hashes.length;
  if (kind === 'flip') hashes[i]![bit >> 3]! ^= 1 << (bit & 7);
  if (kind === 'cut') hashes[i] = hashes[i]!.subarray(1);
  if (kind === 'drop') hashes.splice(i, 1);
  if (kind === 'double') hashes.splice(i, 0, hashes[i]!);
  if (kind === 'swap') {
    if (hashes.length < 2) return undefined;
    const j = (i + 1) % hashes.length;
    [hashes[i], hashes[j]] = [hashes[j]!, hashes[i]!];
  }
  return hashes;
}

describe('proofs against the definitions of RFC 6962', () => {
  it('roots are MTH at every size', () => {
    for (let size = 0; size <= MAX; size++) expect(rootAt(size, getNode, hasher)).toEqual(mth(0, size));
  });

  it('inclusion proofs are PATH, and verify', () => {
    fc.assert(
      fc.property(inclusionCase, ({ index, size }) => {
        const proof = proveInclusion(index, size, getNode, hasher);
        expect(proof).toEqual(path(index, 0, size));
        verifyInclusion(index, size, leaf(index), proof, mth(0, size), hasher);
      }),
    );
  });

  it('consistency proofs are PROOF, and verify', () => {
    fc.assert(
      fc.property(consistencyCase, ({ oldSize, newSize }) => {
        const proof = proveConsistency(oldSize, newSize, getNode, hasher);
        expect(proof).toEqual(subproof(oldSize, 0, newSize, true));
        verifyConsistency(oldSize, newSize, mth(0, oldSize), mth(0, newSize), proof, hasher);
      }),
    );
  });

  it('every pair of small sizes and every index has a proof that verifies', () => {
    for (let size = 1; size <= 20; size++) {
      for (let index = 0; index < size; index++)
        verifyInclusion(
          index,
          size,
          leaf(index),
          proveInclusion(index, size, getNode, hasher),
          mth(0, size),
          hasher,
        );
      for (let old = 1; old <= size; old++)
        verifyConsistency(
          old,
          size,
          mth(0, old),
          mth(0, size),
          proveConsistency(old, size, getNode, hasher),
          hasher,
        );
    }
  });
});

describe('a changed proof is refused', () => {
  it('inclusion: any bit, length, order, index, size, leaf or root', () => {
    fc.assert(
      fc.property(inclusionCase, mutation, ({ index, size }, change) => {
        const proof = proveInclusion(index, size, getNode, hasher);
        const root = mth(0, size);
        const mutated = mutate(proof, change);
        if (mutated !== undefined)
          expect(codeOf(() => verifyInclusion(index, size, leaf(index), mutated, root, hasher))).toBe(
            'invalid_proof',
          );
        const flipped = root.slice();
        flipped[change.bit >> 3]! ^= 1 << (change.bit & 7);
        expect(codeOf(() => verifyInclusion(index, size, leaf(index), proof, flipped, hasher))).toBe(
          'invalid_proof',
        );
        expect(codeOf(() => verifyInclusion(index, size, flipped, proof, root, hasher))).toBe(
          'invalid_proof',
        );
        const other = change.at % MAX;
        if (other !== index)
          expect(codeOf(() => verifyInclusion(other, size, leaf(index), proof, root, hasher))).toBe(
            'invalid_proof',
          );
      }),
    );
  });

  it('consistency: any bit, length, order or root', () => {
    fc.assert(
      fc.property(consistencyCase, mutation, ({ oldSize, newSize }, change) => {
        const proof = proveConsistency(oldSize, newSize, getNode, hasher);
        const oldRoot = mth(0, oldSize);
        const newRoot = mth(0, newSize);
        const mutated = mutate(proof, change);
        if (mutated !== undefined)
          expect(codeOf(() => verifyConsistency(oldSize, newSize, oldRoot, newRoot, mutated, hasher))).toBe(
            'invalid_proof',
          );
        const flipped = newRoot.slice();
        flipped[change.bit >> 3]! ^= 1 << (change.bit & 7);
        expect(codeOf(() => verifyConsistency(oldSize, newSize, oldRoot, flipped, proof, hasher))).toBe(
          'invalid_proof',
        );
        expect(codeOf(() => verifyConsistency(oldSize, newSize, flipped, newRoot, proof, hasher))).toBe(
          'invalid_proof',
        );
      }),
    );
  });

  it('an empty proof is only right for a tree of one entry, or for equal sizes', () => {
    verifyInclusion(0, 1, leaf(0), [], leaf(0), hasher);
    verifyConsistency(5, 5, mth(0, 5), mth(0, 5), [], hasher);
    for (let size = 2; size < 20; size++) {
      // Even when somebody claims that the root is the leaf hash itself.
      expect(codeOf(() => verifyInclusion(0, size, leaf(0), [], leaf(0), hasher))).toBe('invalid_proof');
      expect(codeOf(() => verifyConsistency(1, size, leaf(0), leaf(0), [], hasher))).toBe('invalid_proof');
    }
  });

  it('equal sizes with two roots are a fork', () => {
    expect(codeOf(() => verifyConsistency(5, 5, mth(0, 5), mth(0, 6), [], hasher))).toBe('invalid_proof');
    expect(codeOf(() => verifyConsistency(5, 5, mth(0, 5), mth(0, 5), [leaf(0)], hasher))).toBe(
      'invalid_proof',
    );
  });
});

describe('what cannot be asked', () => {
  const root = mth(0, 5);

  it('an index outside of the tree, or a size that is no size', () => {
    for (const [index, size] of [
      [5, 5],
      [0, 0],
      [-1, 5],
      [0.5, 5],
      [0, -1],
      [0, 2 ** 53],
      [Number.NaN, 5],
    ] as const) {
      expect(codeOf(() => proveInclusion(index, size, getNode, hasher))).toBe('invalid_proof');
      expect(codeOf(() => verifyInclusion(index, size, leaf(0), [], root, hasher))).toBe('invalid_proof');
    }
    expect(codeOf(() => rootAt(-1, getNode, hasher))).toBe('invalid_proof');
  });

  it('a consistency proof from size 0 or to a smaller size', () => {
    for (const [oldSize, newSize] of [
      [0, 0],
      [0, 5],
      [6, 5],
      [1, 1.5],
      [-1, 5],
    ] as const) {
      expect(codeOf(() => proveConsistency(oldSize, newSize, getNode, hasher))).toBe('invalid_proof');
      expect(codeOf(() => verifyConsistency(oldSize, newSize, root, root, [], hasher))).toBe('invalid_proof');
    }
  });

  it('hashes of another length', () => {
    const short = root.subarray(1);
    expect(codeOf(() => verifyInclusion(0, 1, short, [], root, hasher))).toBe('invalid_proof');
    expect(codeOf(() => verifyInclusion(0, 1, root, [], short, hasher))).toBe('invalid_proof');
    expect(codeOf(() => verifyConsistency(5, 5, short, root, [], hasher))).toBe('invalid_proof');
    expect(codeOf(() => verifyConsistency(5, 5, root, short, [], hasher))).toBe('invalid_proof');
  });
});

describe('nodes of a proof', () => {
  it('are complete subtrees that cover what the proof stands for', () => {
    expect(subtreesOf(0, 7)).toEqual([
      { level: 2, index: 0 },
      { level: 1, index: 2 },
      { level: 0, index: 6 },
    ]);
    expect(inclusionNodes(0, 3)).toEqual([[{ level: 0, index: 1 }], [{ level: 0, index: 2 }]]);
    expect(consistencyNodes(2, 3)).toEqual([[{ level: 0, index: 2 }]]);
  });

  it('stay exact up to 2^53-1', () => {
    const size = Number.MAX_SAFE_INTEGER;
    expect(subtreesOf(0, size)).toHaveLength(53);
    expect(subtreesOf(0, size)[0]).toEqual({ level: 52, index: 0 });
    expect(subtreesOf(0, size).at(-1)).toEqual({ level: 0, index: 2 ** 53 - 2 });
    // An index whose bits are all ones has a sibling on each of 52 levels; the last entry is its own right edge.
    expect(inclusionNodes(2 ** 52 - 1, size)).toHaveLength(53);
    expect(consistencyNodes(2 ** 52, size)).toHaveLength(1);
  });

  it('a proof in a tree of 2^53-1 entries verifies, without the tree', () => {
    const size = Number.MAX_SAFE_INTEGER;
    // All complete subtrees of one level are taken to be equal: enough to walk every branch at that height.
    const uniform: Uint8Array[] = [leaf(0)];
    for (let level = 1; level < 53; level++)
      uniform.push(hasher.nodeHash(uniform[level - 1]!, uniform[level - 1]!));
    const get = (level: number) => uniform[level]!;
    const root = rootAt(size, get, hasher);
    for (const index of [0, 2 ** 32, 2 ** 33 + 1, 2 ** 52 - 1, size - 1])
      verifyInclusion(index, size, leaf(0), proveInclusion(index, size, get, hasher), root, hasher);
    for (const old of [1, 2 ** 32, 2 ** 33 + 1, 2 ** 52 + 7])
      verifyConsistency(
        old,
        size,
        rootAt(old, get, hasher),
        root,
        proveConsistency(old, size, get, hasher),
        hasher,
      );
  });
});
