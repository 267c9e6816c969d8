import {
  type CheckpointJudge,
  createCheckpointJudge,
  createVerifier,
  type Ed25519Verify,
  keyTypes,
  type NoteVerifier,
  type PolicyWitness,
  parsePolicy,
  SealtrailError,
} from '@sealtrail/core';

/** A witness that is asked for cosignatures. */
export interface Witness {
  /** Its name in the file, which metrics and entries have. */
  readonly name: string;
  /** Submission prefix, without a slash at the end. */
  readonly url: string;
  readonly verifier: NoteVerifier;
}

/** The witnesses of a server, and which of them make a checkpoint a witnessed one. */
export interface WitnessSet {
  readonly witnesses: readonly Witness[];
  readonly judge: CheckpointJudge;
}

/** Each is a label in metrics and a signature line on checkpoints, of which a note has a hundred at most. */
const maxWitnesses = 32;

/**
 * Reads a witnesses file: a trust policy (C2SP tlog-policy) in which every witness has an address. It may be the one that
 * is given to verify; its logs are of no account here.
 *
 * @throws SealtrailError `invalid_policy` naming the line
 */
export function parseWitnesses(text: string, native: Ed25519Verify): WitnessSet {
  const policy = parsePolicy(text);
  if (policy.witnesses.length === 0 || policy.witnesses.length > maxWitnesses)
    throw new SealtrailError(
      'invalid_policy',
      `expected 1 to ${maxWitnesses} lines "witness <name> <vkey> <url>", got ${policy.witnesses.length}`,
    );
  const lines = text.split('\n').map((line) => line.split(/[ \t]+/).filter((word) => word !== ''));
  const witnesses = policy.witnesses.map((witness): Witness => {
    const problem = problemOf(witness);
    if (problem === undefined)
      return {
        name: witness.name,
        url: witness.url!.replace(/\/+$/, ''),
        verifier: createVerifier(witness.key, { native }),
      };
    const line = 1 + lines.findIndex(([word, name]) => word === 'witness' && name === witness.name);
    throw new SealtrailError('invalid_policy', `line ${line} of the trust policy: ${problem}`);
  });
  return { witnesses, judge: createCheckpointJudge(policy, { native }) };
}

function problemOf({ key, url }: PolicyWitness): string | undefined {
  if (key.type === keyTypes.cosignatureMlDsa44) return 'ML-DSA-44 keys of witnesses are not supported';
  if (url === undefined) return 'a witness that is to be asked has an address: witness <name> <vkey> <url>';
  if (!URL.canParse(url)) return 'the address is none; expected http or https';
  const { protocol, username, password, search, hash } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') return 'the address is neither http nor https';
  // Requests with a user in their address are refused by the platform, and errors would show it.
  return `${username}${password}${search}${hash}` === ''
    ? undefined
    : 'the address has a user, a query or a fragment; expected a prefix such as https://witness.example/log';
}
