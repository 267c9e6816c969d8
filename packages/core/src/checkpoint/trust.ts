import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { isMlDsa44Cosignature, parseCosignature } from './cosignature.ts';
import { keyTypes, type VerifierKey } from './key.ts';
import { checkNote, createVerifier, type NoteSignature, type VerifierOptions } from './note.ts';
import { evaluateQuorum, type QuorumResult, type TrustPolicy } from './policy.ts';

/** A cosignature of a witness of the policy that verified. `timestamp` is in POSIX seconds. */
export interface VerifiedCosignature {
  /** The witness's name in the policy. */
  readonly witness: string;
  readonly timestamp: number;
}

/** What a checkpoint note is worth under a trust policy. */
export interface JudgedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** Keys of policy logs that signed it. Empty: no reason to believe anything in it. */
  readonly logKeys: readonly VerifierKey[];
  readonly cosignatures: readonly VerifiedCosignature[];
  readonly quorum: QuorumResult;
  /** Key names of ML-DSA-44 cosignatures on it, which are not supported and count for nothing. */
  readonly unsupported: readonly string[];
  /** Signatures of keys that the policy does not have. */
  readonly unknown: readonly NoteSignature[];
}

/** Judges checkpoint notes by one trust policy. */
export interface CheckpointJudge {
  readonly policy: TrustPolicy;
  /**
   * Verifies whatever signatures of policy keys a note carries. Whether they are enough is in the answer.
   *
   * @throws SealtrailError `invalid_note` when it is no checkpoint note, or a signature of a policy key is wrong
   */
  judge(note: string): JudgedCheckpoint;
}

/**
 * Prepares a trust policy for judging. A log key counts only for the origin that is its name; a witness counts for
 * every origin.
 */
export function createCheckpointJudge(policy: TrustPolicy, options: VerifierOptions = {}): CheckpointJudge {
  const supported = [...policy.logs, ...policy.witnesses]
    .map(({ key }) => key)
    .filter(({ type }) => type !== keyTypes.cosignatureMlDsa44);
  const verifiers = supported.map((key) => createVerifier(key, options));
  return {
    policy,
    judge(note) {
      const { text, verified, unknown } = checkNote(note, verifiers);
      const checkpoint = parseCheckpoint(text);
      const logKeys = policy.logs
        .map(({ key }) => key)
        .filter(
          (key) => key.name === checkpoint.origin && verified.some((signature) => isOf(signature, key)),
        );
      const cosignatures = policy.witnesses.flatMap(({ name, key }) => {
        const line = verified.find((signature) => isOf(signature, key));
        // A cosignature that verified has a time.
        return line === undefined
          ? []
          : [{ witness: name, timestamp: parseCosignature(line.signature)!.timestamp }];
      });
      const witnesses = new Set(cosignatures.map(({ witness }) => witness));
      return {
        checkpoint,
        logKeys,
        cosignatures,
        quorum: evaluateQuorum(policy, witnesses),
        unsupported: unknown
          .filter(({ signature }) => isMlDsa44Cosignature(signature))
          .map(({ name }) => name),
        unknown,
      };
    },
  };
}

function isOf(signature: NoteSignature, key: VerifierKey): boolean {
  return signature.name === key.name && signature.keyId === key.keyId;
}
