import { ed25519 } from '@noble/curves/ed25519.js';

/** An Ed25519 verification, as of RFC 8032 section 5.1.7: true when the signature is that of the key on the message. */
export type Ed25519Verify = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

const SIGNATURE_BYTES = 64;

/**
 * Whether signatures of this public key can mean anything: a canonical point that is not of small order. Under a key of
 * small order one signature fits many messages.
 */
export function isUsableKey(publicKey: Uint8Array): boolean {
  try {
    return !ed25519.Point.fromBytes(publicKey, false).isSmallOrder();
  } catch {
    return false;
  }
}

/**
 * A verification for one key, strict as of RFC 8032 (canonical encodings, no key of small order, cofactored equation).
 * Its verdict decides everywhere, in Node and in browsers alike.
 *
 * @param native a faster implementation, such as that of node:crypto. Its yes is taken; after a no the strict one has
 *   the last word, since implementations disagree about edge cases (cofactorless ones refuse more). The yes is safe
 *   because the cofactorless equation over a canonical point implies the cofactored one.
 */
export function ed25519Verifier(
  publicKey: Uint8Array,
  native?: Ed25519Verify,
): (signature: Uint8Array, message: Uint8Array) => boolean {
  if (!isUsableKey(publicKey)) return () => false;
  return (signature, message) =>
    signature.length === SIGNATURE_BYTES &&
    (native?.(signature, message, publicKey) === true ||
      ed25519.verify(signature, message, publicKey, { zip215: false }));
}

/** The public key of a 32-byte seed. */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed);
}

/** Signs with a 32-byte seed; the same message always gives the same 64 bytes. */
export function ed25519Sign(message: Uint8Array, seed: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed);
}
