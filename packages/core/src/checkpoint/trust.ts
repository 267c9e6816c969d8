import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { isMlDsa44Cosignature, parseCosignature } from './cosignature.ts';
import { keyTypes, type VerifierKey } from './key.ts';
import {
  checkNote,
  createVerifier,
  type NoteSignature,
  type NoteVerifier,
  parseNote,
  type VerifierOptions,
} from './note.ts';
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

/** Judges checkpoint notes by one trust policy. Make one for all the trails of a policy: it may name thousands. */
export interface CheckpointJudge {
  readonly policy: TrustPolicy;
  /** Keys that the policy has for a log of this origin. */
  logKeysOf(origin: string): readonly VerifierKey[];
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
  const logKeys = Map.groupBy(
    policy.logs.map(({ key }) => key),
    ({ name }) => name,
  );
  const supported = [...policy.logs, ...policy.witnesses]
    .map(({ key }) => key)
    .filter(({ type }) => type !== keyTypes.cosignatureMlDsa44);
  const keys = new Map(supported.map((key) => [identityOf(key), key]));
  // A key is prepared when a note shows its name: most keys of a large policy have signed none of the notes at hand.
  const verifiers = new Map<VerifierKey, NoteVerifier>();
  const verifierOf = (key: VerifierKey): NoteVerifier => {
    const verifier = verifiers.get(key) ?? createVerifier(key, options);
    verifiers.set(key, verifier);
    return verifier;
  };
  const logKeysOf = (origin: string): readonly VerifierKey[] => logKeys.get(origin) ?? [];
  return {
    policy,
    logKeysOf,
    judge(note) {
      const claimed = parseNote(note).signatures.map((signature) => keys.get(identityOf(signature)));
      const known = [...new Set(claimed)].filter((key) => key !== undefined);
      const { text, verified, unknown } = checkNote(note, known.map(verifierOf));
      const checkpoint = parseCheckpoint(text);
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
        logKeys: logKeysOf(checkpoint.origin).filter((key) =>
          verified.some((signature) => isOf(signature, key)),
        ),
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

type Identity = Pick<NoteSignature, 'name' | 'keyId'>;

/** What a signature line says of its key. Neither part has a `+` in it. */
function identityOf({ name, keyId }: Identity): string {
  return `${name}+${keyId}`;
}

function isOf(signature: Identity, key: Identity): boolean {
  return identityOf(signature) === identityOf(key);
}
