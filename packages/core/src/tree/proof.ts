import { SealtrailError } from '../errors.ts';
import { foldRight } from './compact-range.ts';
import { equalBytes, HASH_BYTES, type TreeHasher } from './hash.ts';

/** A complete subtree: it covers entries [index·2^level, (index+1)·2^level). Level 0 are the leaf hashes. */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

/** The hash of the complete subtree at (level, index). Asked only for subtrees that are complete at the given size. */
export type GetNode = (level: number, index: number) => Uint8Array;

// Sizes and indexes are numbers checked against 2^53-1. Powers and halves are computed by arithmetic, never by bit
// operators, which would cut them to 32 bits.

/**
 * The complete subtrees that entries [start, end) decompose into, left to right. `start` must be a multiple of the
 * largest power of two that is at most end - start, as every right half of an RFC 6962 split is.
 */
export function subtreesOf(start: number, end: number): NodeId[] {
  const nodes: NodeId[] = [];
  for (let at = start; at < end; ) {
    const level = topBit(end - at);
    nodes.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return nodes;
}

/**
 * What each hash of an inclusion proof is made of, in proof order (the leaf's sibling first): the hash is the root over
 * these subtrees. For stores that fetch asynchronously: get these nodes first, then call {@link proveInclusion}.
 */
export function inclusionNodes(index: number, size: number): NodeId[][] {
  checkIndex(index, size);
  const path: NodeId[][] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const split = start + splitPoint(end - start);
    if (index < split) {
      path.push(subtreesOf(split, end));
      end = split;
    } else {
      path.push(subtreesOf(start, split));
      start = split;
    }
  }
  return path.reverse();
}

/** As {@link inclusionNodes}, for a consistency proof. */
export function consistencyNodes(oldSize: number, newSize: number): NodeId[][] {
  checkSizes(oldSize, newSize);
  const proof: NodeId[][] = [];
  let start = 0;
  let end = newSize;
  // RFC 6962 section 2.1.2, SUBPROOF: walk down to the subtree that ends where the old tree ended.
  while (end !== oldSize) {
    const split = start + splitPoint(end - start);
    if (oldSize <= split) {
      proof.push(subtreesOf(split, end));
      end = split;
    } else {
      proof.push(subtreesOf(start, split));
      start = split;
    }
  }
  // With start 0 that subtree is the whole old tree, whose root the verifier has.
  if (start !== 0) proof.push(subtreesOf(start, end));
  return proof.reverse();
}

/**
 * The RFC 6962 inclusion proof of entry `index` in the tree of `size`, the leaf's sibling first.
 *
 * @throws SealtrailError `invalid_proof` when the index is not in the tree
 */
export function proveInclusion(
  index: number,
  size: number,
  getNode: GetNode,
  hasher: TreeHasher,
): Uint8Array[] {
  return inclusionNodes(index, size).map((nodes) => hashOf(nodes, getNode, hasher));
}

/**
 * The RFC 6962 consistency proof between two sizes of one tree.
 *
 * @throws SealtrailError `invalid_proof` when the sizes are not 1 <= oldSize <= newSize. Every tree extends the empty
 *   one, with nothing to prove, so the caller decides what size 0 means (a witness takes an empty proof).
 */
export function proveConsistency(
  oldSize: number,
  newSize: number,
  getNode: GetNode,
  hasher: TreeHasher,
): Uint8Array[] {
  return consistencyNodes(oldSize, newSize).map((nodes) => hashOf(nodes, getNode, hasher));
}

/** The root of the tree at `size`. */
export function rootAt(size: number, getNode: GetNode, hasher: TreeHasher): Uint8Array {
  checkSize(size);
  return size === 0 ? hasher.emptyRoot : hashOf(subtreesOf(0, size), getNode, hasher);
}

/**
 * Checks that the entry with this leaf hash is at `index` of the tree with this size and root. Index and size fix the
 * length of the proof: one hash more or less is refused.
 *
 * @throws SealtrailError `invalid_proof`
 */
export function verifyInclusion(
  index: number,
  size: number,
  leafHash: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
  hasher: TreeHasher,
): void {
  checkIndex(index, size);
  checkHash(leafHash, 'the leaf hash');
  checkHash(root, 'the root');
  const hashes = new ProofReader(proof, `an inclusion proof of index ${index} in size ${size}`);
  let node = leafHash;
  let at = index;
  let last = size - 1;
  while (last > 0) {
    if (at % 2 === 1) node = hasher.nodeHash(hashes.next(), node);
    else if (at < last) node = hasher.nodeHash(node, hashes.next());
    // Otherwise the node is the last of its level without a sibling, and moves up as it is.
    at = half(at);
    last = half(last);
  }
  hashes.end();
  if (!equalBytes(node, root))
    throw invalid(
      `the entry is not at index ${index}: the proof leads to another root than that of size ${size}`,
    );
}

/**
 * Checks that the tree (newSize, newRoot) extends the tree (oldSize, oldRoot) without changing an entry. The sizes fix
 * the length of the proof.
 *
 * @throws SealtrailError `invalid_proof`, also for oldSize 0, about which a proof says nothing (RFC 6962 requires
 *   0 < m; witnesses treat it apart)
 */
export function verifyConsistency(
  oldSize: number,
  newSize: number,
  oldRoot: Uint8Array,
  newRoot: Uint8Array,
  proof: readonly Uint8Array[],
  hasher: TreeHasher,
): void {
  checkSizes(oldSize, newSize);
  checkHash(oldRoot, 'the old root');
  checkHash(newRoot, 'the new root');
  const hashes = new ProofReader(proof, `a consistency proof from size ${oldSize} to ${newSize}`);
  if (oldSize === newSize) {
    hashes.end();
    if (!equalBytes(oldRoot, newRoot))
      throw invalid(`two different roots for size ${oldSize}: the log has forked`);
    return;
  }
  // Start from the largest complete subtree that ends where the old tree ends.
  let at = oldSize - 1;
  let last = newSize - 1;
  while (at % 2 === 1) {
    at = half(at);
    last = half(last);
  }
  // At the left edge that subtree is the old tree itself, and the proof leaves its root out.
  let oldNode = at === 0 ? oldRoot : hashes.next();
  let newNode = oldNode;
  while (last > 0) {
    if (at % 2 === 1) {
      const left = hashes.next();
      oldNode = hasher.nodeHash(left, oldNode);
      newNode = hasher.nodeHash(left, newNode);
    } else if (at < last) newNode = hasher.nodeHash(newNode, hashes.next());
    at = half(at);
    last = half(last);
  }
  hashes.end();
  if (!equalBytes(oldNode, oldRoot))
    throw invalid(`the proof does not lead to the root of the old size ${oldSize}`);
  if (!equalBytes(newNode, newRoot))
    throw invalid(`the proof does not lead to the root of the new size ${newSize}`);
}

/** Hands out the hashes of a proof one by one; running out of them and leaving some over are both refused. */
class ProofReader {
  readonly #hashes: readonly Uint8Array[];
  readonly #what: string;
  #used = 0;

  constructor(hashes: readonly Uint8Array[], what: string) {
    this.#hashes = hashes;
    this.#what = what;
  }

  next(): Uint8Array {
    const hash = this.#hashes[this.#used];
    if (hash === undefined)
      throw invalid(`${this.#what} needs more than the ${this.#hashes.length} hashes given`);
    checkHash(hash, `hash ${this.#used} of the proof`);
    this.#used++;
    return hash;
  }

  end(): void {
    if (this.#used !== this.#hashes.length)
      throw invalid(`${this.#what} has ${this.#used} hashes, got ${this.#hashes.length}`);
  }
}

function hashOf(nodes: readonly NodeId[], getNode: GetNode, hasher: TreeHasher): Uint8Array {
  return foldRight(
    nodes.map(({ level, index }) => getNode(level, index)),
    hasher,
  )!;
}

/** Largest power of two below `width` (which is 2 or more): where RFC 6962 splits a tree. */
function splitPoint(width: number): number {
  return 2 ** topBit(width - 1);
}

/** Position of the highest set bit of an integer from 1 to 2^53-1. Math.log2 rounds up just below large powers. */
function topBit(value: number): number {
  const high = Math.floor(value / 0x1_0000_0000);
  return high === 0 ? 31 - Math.clz32(value) : 63 - Math.clz32(high);
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0)
    throw invalid(`a tree size is an integer from 0 to 2^53-1, got ${size}`);
}

function checkIndex(index: number, size: number): void {
  checkSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size)
    throw invalid(`index ${index} is not in a tree of size ${size}`);
}

function checkSizes(oldSize: number, newSize: number): void {
  checkSize(oldSize);
  checkSize(newSize);
  if (oldSize < 1 || oldSize > newSize)
    throw invalid(`a consistency proof needs sizes 1 <= old <= new, got ${oldSize} and ${newSize}`);
}

function checkHash(hash: Uint8Array, what: string): void {
  if (hash.length !== HASH_BYTES) throw invalid(`${what} has ${HASH_BYTES} bytes, got ${hash.length}`);
}

function invalid(message: string): SealtrailError {
  return new SealtrailError('invalid_proof', message);
}
