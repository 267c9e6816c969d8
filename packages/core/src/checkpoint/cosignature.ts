import { SealtrailError } from '../errors.ts';
import { ed25519Sign } from './ed25519.ts';
import { formatVkey, keyTypes, parseSkey } from './key.ts';
import type { NoteSigner } from './note.ts';
import { utf8 } from './text.ts';

// C2SP tlog-cosignature, Ed25519 ("cosignature/v1"): a witness says that at this time this was the largest consistent
// tree it had seen of this origin. It says nothing about the entries.

/** A cosignature without its key id. `timestamp` is in POSIX seconds. */
export interface Cosignature {
  readonly timestamp: number;
  /** 64 bytes over {@link cosignedMessage}. */
  readonly signature: Uint8Array;
}

const TIMESTAMP_BYTES = 8;
const ED25519_BYTES = 64;
const ML_DSA_44_BYTES = 2420;

/**
 * Takes apart what follows the key id in a cosignature line; undefined when the length is not that of an Ed25519
 * cosignature or the time is beyond 2^53-1 seconds, which no clock shows.
 */
export function parseCosignature(bytes: Uint8Array): Cosignature | undefined {
  if (bytes.length !== TIMESTAMP_BYTES + ED25519_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const timestamp = view.getUint32(0) * 0x1_0000_0000 + view.getUint32(4);
  return Number.isSafeInteger(timestamp) ? { timestamp, signature: bytes.slice(TIMESTAMP_BYTES) } : undefined;
}

/** Whether what follows the key id has the length of an ML-DSA-44 cosignature (type 6), which is not verified here. */
export function isMlDsa44Cosignature(bytes: Uint8Array): boolean {
  return bytes.length === TIMESTAMP_BYTES + ML_DSA_44_BYTES;
}

/** The bytes that a witness signs: a header with the time, then the whole text of the note. */
export function cosignedMessage(text: string, timestamp: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timestamp}\n${text}`);
}

/** Makes cosignatures with one key. */
export interface Cosigner {
  readonly name: string;
  readonly keyId: string;
  /** Verifier key to give away (type 4). */
  readonly vkey: string;
  /** A signer for notes at this time, in POSIX seconds. */
  at(timestamp: number): NoteSigner;
}

/**
 * A witness's cosigner from its private key text (type 4).
 *
 * @throws SealtrailError `key_missing`
 */
export function createCosigner(skey: string): Cosigner {
  const key = parseSkey(skey);
  if (key.type !== keyTypes.cosignature)
    throw new SealtrailError('key_missing', 'a witness signs with a key of type 4; type 1 is for logs');
  const identity = { name: key.name, keyId: key.keyId, vkey: formatVkey(key) };
  return {
    ...identity,
    at(timestamp) {
      if (!Number.isSafeInteger(timestamp) || timestamp < 0)
        throw new SealtrailError(
          'internal',
          `a cosignature time is in whole POSIX seconds, got ${timestamp}`,
        );
      return {
        ...identity,
        sign(text) {
          const bytes = new Uint8Array(TIMESTAMP_BYTES + ED25519_BYTES);
          new DataView(bytes.buffer).setBigUint64(0, BigInt(timestamp));
          bytes.set(ed25519Sign(cosignedMessage(text, timestamp), key.seed), TIMESTAMP_BYTES);
          return bytes;
        },
      };
    },
  };
}
