import {
  canonicalJson,
  type EntryVerdict,
  type JsonValue,
  parsePolicy,
  SealtrailError,
  verifyEntry,
} from '@sealtrail/core';
import { nativeEd25519Verify } from '../adapters/native-ed25519.ts';
import { nativeSha256 } from '../adapters/native-sha256.ts';

/**
 * Verifies what `sealtrail prove --json` printed: an entry, and the proof that it is in a log.
 *
 * @throws SealtrailError invalid_parameter when the text is no such evidence; invalid_policy
 */
export function verifyProof(evidence: string, policyText: string): EntryVerdict {
  let value: unknown;
  try {
    value = JSON.parse(evidence);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || !('entry' in value) || !('proof' in value))
    throw notEvidence();
  const { entry, proof } = value;
  if (typeof proof !== 'string' || typeof entry !== 'object' || entry === null) throw notEvidence();
  const bytes = new TextEncoder().encode(canonicalJson(entry as JsonValue));
  return verifyEntry(bytes, proof, {
    policy: parsePolicy(policyText),
    sha256: nativeSha256,
    native: nativeEd25519Verify,
  });
}

const notEvidence = (): SealtrailError =>
  new SealtrailError(
    'invalid_parameter',
    'expected evidence as sealtrail prove --json prints it: a JSON object with entry and proof',
  );
