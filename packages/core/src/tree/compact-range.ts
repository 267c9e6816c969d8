import { SealtrailError } from '../errors.ts';
import { HASH_BYTES, type TreeHasher } from './hash.ts';

/**
 * Called for every complete subtree that an append completes: the leaf itself (level 0) first, then its ancestors as
 * far as they are complete. Node (level, index) covers entries [index·2^level, (index+1)·2^level).
 */
export type OnNode = (level: number, index: number, hash: Uint8Array) => void;

/**
 * A tree reduced to what appending needs: the roots of the complete subtrees that its size decomposes into, one for
 * each set bit of the size, largest first. Appending costs two hashes on average, however large the tree is.
 */
export class CompactRange {
  readonly #hasher: TreeHasher;
  readonly #hashes: Uint8Array[];
  // Sizes and indexes are numbers checked against 2^53-1: a trail reaches that after 285 years of a million entries a second.
  #size: number;

  /**
   * @param size entries already in the tree
   * @param hashes what {@link hashes} gave at that size
   * @throws SealtrailError `internal` when the number of hashes does not fit the size
   */
  constructor(hasher: TreeHasher, size: number = 0, hashes: readonly Uint8Array[] = []) {
    if (!Number.isSafeInteger(size) || size < 0)
      throw new SealtrailError('internal', `a tree size is an integer from 0 to 2^53-1, got ${size}`);
    if (hashes.length !== setBits(size) || hashes.some((hash) => hash.length !== HASH_BYTES))
      throw new SealtrailError(
        'internal',
        `a tree of size ${size} resumes from ${setBits(size)} hashes of ${HASH_BYTES} bytes, got ${hashes.length} hashes`,
      );
    this.#hasher = hasher;
    this.#size = size;
    this.#hashes = [...hashes];
  }

  get size(): number {
    return this.#size;
  }

  /** Adds one entry by its leaf hash. */
  append(leafHash: Uint8Array, onNode?: OnNode): void {
    if (this.#size === Number.MAX_SAFE_INTEGER)
      throw new SealtrailError('internal', 'a tree holds at most 2^53-1 entries');
    let hash = leafHash;
    let level = 0;
    let index = this.#size;
    onNode?.(level, index, hash);
    // An odd index is a right child: with it, its parent is complete.
    while (index % 2 === 1) {
      hash = this.#hasher.nodeHash(this.#hashes.pop()!, hash);
      index = (index - 1) / 2;
      level++;
      onNode?.(level, index, hash);
    }
    this.#hashes.push(hash);
    this.#size++;
  }

  /** The root at this size, in as many hashes as the size has set bits. */
  root(): Uint8Array {
    return foldRight(this.#hashes, this.#hasher) ?? this.#hasher.emptyRoot;
  }

  /** What to store in order to resume: one hash for each set bit of the size, largest subtree first. A copy. */
  hashes(): readonly Uint8Array[] {
    return [...this.#hashes];
  }
}

/**
 * The root over adjacent subtrees given left to right, each smaller than the one before it: RFC 6962 splits at the
 * largest power of two, so the tree leans left and folds from the right. Undefined for none.
 */
export function foldRight(hashes: readonly Uint8Array[], hasher: TreeHasher): Uint8Array | undefined {
  let root = hashes.at(-1);
  for (let i = hashes.length - 2; i >= 0; i--) root = hasher.nodeHash(hashes[i]!, root!);
  return root;
}

/** Set bits of an integer up to 2^53-1; bit operators would cut it to 32 bits. */
function setBits(value: number): number {
  let count = 0;
  for (let rest = value; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}
