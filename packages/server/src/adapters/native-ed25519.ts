import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import {
  type Ed25519Verify,
  formatVkey,
  keyTypes,
  type NoteSigner,
  parseSkey,
  SealtrailError,
} from '@sealtrail/core';

/** DER headers in front of the 32 bytes of an Ed25519 key (RFC 8410 sections 4 and 7). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * A log's signer from its private key text, on OpenSSL. Ed25519 is deterministic: the signatures are those of core.
 *
 * @throws SealtrailError `key_missing`
 */
export function createNativeSigner(skey: string): NoteSigner {
  const { seed, ...parsed } = parseSkey(skey);
  if (parsed.type !== keyTypes.ed25519)
    throw new SealtrailError('key_missing', 'a log signs with a key of type 1; type 4 is for cosignatures');
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
  return {
    name: parsed.name,
    keyId: parsed.keyId,
    vkey: formatVkey(parsed),
    sign: (text) => sign(null, Buffer.from(text), key),
  };
}

/** Verification on OpenSSL, for verifiers that take a native one. */
export const nativeEd25519Verify: Ed25519Verify = (signature, message, publicKey) => {
  const key = createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: 'der', type: 'spki' });
  return verify(null, message, key, signature);
};
