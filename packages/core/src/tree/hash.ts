import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { SealtrailError } from '../errors.ts';

/**
 * SHA-256 of the whole input, as 32 new bytes. An implementation must not keep its argument: callers reuse the buffer
 * for the next hash.
 */
export type Sha256 = (data: Uint8Array) => Uint8Array;

/** Bytes of every hash in the tree. */
export const HASH_BYTES = 32;

/** The two domain-separated hashes of an RFC 6962 tree. Not safe to share between threads: it owns scratch buffers. */
export interface TreeHasher {
  /** SHA-256 of nothing: the root of the tree without entries. */
  readonly emptyRoot: Uint8Array;
  /** SHA-256(0x00 ‖ entry). */
  leafHash(entry: Uint8Array): Uint8Array;
  /** SHA-256(0x01 ‖ left ‖ right); both must be {@link HASH_BYTES} long. */
  nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array;
}

const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

// An entry has at most 65,535 bytes (tlog-tiles entry bundles carry 16-bit lengths), plus the prefix.
const LEAF_SCRATCH_BYTES = 65_536;

/**
 * Hashing of RFC 6962 section 2.1 over a SHA-256 of the caller's choice: the server injects the native one, which is
 * several times faster; browsers use the default.
 */
export function createTreeHasher(sha256: Sha256 = nobleSha256): TreeHasher {
  const node = new Uint8Array(1 + 2 * HASH_BYTES);
  node[0] = NODE_PREFIX;
  const leaf = new Uint8Array(LEAF_SCRATCH_BYTES);
  leaf[0] = LEAF_PREFIX;
  return {
    emptyRoot: sha256(new Uint8Array(0)),
    leafHash(entry) {
      const bytes = 1 + entry.length;
      const input = bytes <= LEAF_SCRATCH_BYTES ? leaf.subarray(0, bytes) : new Uint8Array(bytes);
      input.set(entry, 1);
      return sha256(input);
    },
    nodeHash(left, right) {
      // A hash of another length would leave bytes of an earlier call in the buffer and hash those.
      if (left.length !== HASH_BYTES || right.length !== HASH_BYTES)
        throw new SealtrailError(
          'internal',
          `a tree node has children of ${HASH_BYTES} bytes, got ${left.length} and ${right.length}`,
        );
      node.set(left, 1);
      node.set(right, 1 + HASH_BYTES);
      return sha256(node);
    },
  };
}

/** Whether two byte strings are the same. Not constant in time: it compares hashes, which are public. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
