import { sha256 } from '@noble/hashes/sha2.js';
import { SealtrailError } from '../errors.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { ed25519PublicKey, isUsableKey } from './ed25519.ts';
import { hex, isNoteText, utf8 } from './text.ts';

/** Signature types of C2SP signed-note that are read here. */
export const keyTypes = {
  /** Ed25519 over the note text: what logs sign with. */
  ed25519: 0x01,
  /** Timestamped Ed25519 cosignature: what witnesses sign with. */
  cosignature: 0x04,
  /** Timestamped ML-DSA-44 cosignature: recognised, not verified. */
  cosignatureMlDsa44: 0x06,
} as const;

export type KeyType = (typeof keyTypes)[keyof typeof keyTypes];

/** Public key of a log or witness. `keyId` is 8 lower-case hexadecimal digits. */
export interface VerifierKey {
  readonly name: string;
  readonly keyId: string;
  readonly type: KeyType;
  readonly publicKey: Uint8Array;
}

/** Private key of a log or witness. `seed` is secret: 32 bytes. */
export interface SigningKey {
  readonly name: string;
  readonly keyId: string;
  readonly type: Exclude<KeyType, 0x06>;
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

const SEED_BYTES = 32;
const publicKeyBytes: Readonly<Record<KeyType, number>> = { 1: 32, 4: 32, 6: 1312 };
const MAX_KEY_CHARS = 4096;

// Base64 may contain `+` too: only the first two separate (signed-note, "Verifier keys").
const vkeyPattern = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/;
const skeyPattern = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/;

/** First 4 bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key), in hexadecimal. */
export function keyIdOf(name: string, type: KeyType, publicKey: Uint8Array): string {
  return hex(sha256(concat(utf8(`${name}\n`), Uint8Array.of(type), publicKey)).subarray(0, 4));
}

/** Whether a text can name a key: not empty, without Unicode space and `+`. */
export function isKeyName(name: string): boolean {
  return name !== '' && isNoteText(name) && !/[\p{White_Space}+]/u.test(name);
}

/**
 * Reads a verifier key, `<name>+<key id>+<base64(type ‖ public key)>`.
 *
 * @throws SealtrailError `invalid_note` when it has another form, a type that is not read here, a key id that is not
 *   that of the key, or an Ed25519 key that is no canonical point or of small order
 */
export function parseVkey(text: string): VerifierKey {
  const parts = splitKey(text, vkeyPattern);
  if (parts === undefined)
    throw invalid('expected a verifier key, <name>+<8 hexadecimal digits>+<base64>', 'invalid_note');
  const { name, keyId, type: typeByte, material: publicKey } = parts;
  const type = Object.values(keyTypes).find((known) => known === typeByte);
  if (type === undefined)
    throw invalid(
      `a verifier key of type ${typeByte} is not supported, use Ed25519 (1 or 4)`,
      'invalid_note',
    );
  if (publicKey.length !== publicKeyBytes[type])
    throw invalid(
      `a public key of type ${type} has ${publicKeyBytes[type]} bytes, got ${publicKey.length}`,
      'invalid_note',
    );
  if (keyIdOf(name, type, publicKey) !== keyId)
    throw invalid('the key id of the verifier key is not that of its name and key', 'invalid_note');
  if (type !== keyTypes.cosignatureMlDsa44 && !isUsableKey(publicKey))
    throw invalid('the Ed25519 public key is not a canonical point, or of small order', 'invalid_note');
  return { name, keyId, type, publicKey };
}

/** The text that {@link parseVkey} reads. */
export function formatVkey(key: Pick<VerifierKey, 'name' | 'type' | 'publicKey'>): string {
  const { name, type, publicKey } = key;
  return `${name}+${keyIdOf(name, type, publicKey)}+${encodeBase64(concat(Uint8Array.of(type), publicKey))}`;
}

/**
 * Reads a private key in the text form of golang.org/x/mod, `PRIVATE+KEY+<name>+<key id>+<base64(type ‖ seed)>`, of
 * type 1 (log) or 4 (witness).
 *
 * @throws SealtrailError `key_missing`; the message holds nothing of the key
 */
export function parseSkey(text: string): SigningKey {
  const parts = splitKey(text, skeyPattern);
  if (parts === undefined || parts.material.length !== SEED_BYTES)
    throw invalid(
      'expected a private key, PRIVATE+KEY+<name>+<8 hexadecimal digits>+<base64>',
      'key_missing',
    );
  const { name, type } = parts;
  if (type !== keyTypes.ed25519 && type !== keyTypes.cosignature)
    throw invalid(`a private key of type ${type} is not supported, use Ed25519 (1 or 4)`, 'key_missing');
  const key = signingKey(name, type, parts.material);
  if (key.keyId !== parts.keyId)
    throw invalid('the key id of the private key is not that of its name and key', 'key_missing');
  return key;
}

/** The text that {@link parseSkey} reads. Secret. */
export function formatSkey(key: Pick<SigningKey, 'name' | 'keyId' | 'type' | 'seed'>): string {
  return `PRIVATE+KEY+${key.name}+${key.keyId}+${encodeBase64(concat(Uint8Array.of(key.type), key.seed))}`;
}

/** A key as the two texts to keep and to give away. */
export interface KeyPair {
  /** Private key text: secret. */
  readonly skey: string;
  /** Verifier key text: to be pinned by whoever verifies. */
  readonly vkey: string;
}

/**
 * Makes the key pair of a seed.
 *
 * @param name the log's origin, or the witness's name: no space, no `+`
 * @param seed 32 bytes from a cryptographic source
 * @param type 1 for a log, 4 for a witness
 * @throws SealtrailError `invalid_configuration` when the name cannot name a key or the seed has another length
 */
export function generateKey(
  name: string,
  seed: Uint8Array,
  type: SigningKey['type'] = keyTypes.ed25519,
): KeyPair {
  if (!isKeyName(name))
    throw invalid(
      'a key name is not empty and has no space, control character or "+"',
      'invalid_configuration',
    );
  if (seed.length !== SEED_BYTES)
    throw invalid(`a key seed has ${SEED_BYTES} bytes, got ${seed.length}`, 'invalid_configuration');
  const key = signingKey(name, type, seed);
  return { skey: formatSkey(key), vkey: formatVkey(key) };
}

function signingKey(name: string, type: SigningKey['type'], seed: Uint8Array): SigningKey {
  const publicKey = ed25519PublicKey(seed);
  return { name, keyId: keyIdOf(name, type, publicKey), type, seed: seed.slice(), publicKey };
}

interface KeyParts {
  readonly name: string;
  readonly keyId: string;
  readonly type: number;
  readonly material: Uint8Array;
}

function splitKey(text: string, pattern: RegExp): KeyParts | undefined {
  const match = text.length <= MAX_KEY_CHARS ? pattern.exec(text) : null;
  if (match === null || !isKeyName(match[1]!)) return undefined;
  const bytes = decodeBase64(match[3]!);
  if (bytes === undefined) return undefined;
  return { name: match[1]!, keyId: match[2]!, type: bytes[0]!, material: bytes.subarray(1) };
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function invalid(
  message: string,
  code: 'invalid_note' | 'key_missing' | 'invalid_configuration',
): SealtrailError {
  return new SealtrailError(code, message);
}
