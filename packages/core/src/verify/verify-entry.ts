import type { Ed25519Verify } from '../checkpoint/ed25519.ts';
import { evaluateQuorum, type TrustPolicy } from '../checkpoint/policy.ts';
import { type ProofFile, parseProofFile } from '../checkpoint/proof-file.ts';
import { createCheckpointJudge, type JudgedCheckpoint } from '../checkpoint/trust.ts';
import { reasonOf } from '../errors.ts';
import { createTreeHasher, type Sha256 } from '../tree/hash.ts';
import { verifyInclusion } from '../tree/proof.ts';
import { type Assurance, type CheckResult, gravest, type VerdictCode } from './verdict.ts';

/** What verification of a single entry relies on. */
export interface VerifyEntryOptions {
  /** Pinned by the verifier, never taken from the proof. */
  readonly policy: TrustPolicy;
  /** The origin that the entry's log must have; absent: any that the policy knows. */
  readonly origin?: string;
  /** Faster implementations, such as those of node:crypto. They change no verdict. */
  readonly sha256?: Sha256;
  readonly native?: Ed25519Verify;
}

/** The verdict on a single entry. */
export interface EntryVerdict {
  /** True when no check failed. */
  readonly ok: boolean;
  /** `intact`, or the gravest code of a failed check. */
  readonly code: VerdictCode;
  /** The log, and the index in it, that the proof is for. Proven only if `ok`. */
  readonly origin: string | undefined;
  readonly index: number | undefined;
  readonly checks: readonly CheckResult[];
  readonly assurance: Assurance;
}

/**
 * Verifies from a C2SP tlog-proof file that an entry is in a log. Works offline; bad evidence never makes it throw.
 *
 * @param entry the exact bytes of the entry
 * @param proof text of the proof file
 */
export function verifyEntry(entry: Uint8Array, proof: string, options: VerifyEntryOptions): EntryVerdict {
  const checks: CheckResult[] = [];
  const file = readProof(proof, checks);
  const judged = file && judgeCheckpoint(file, options, checks);
  if (judged !== undefined) {
    checkSigner(judged, options.origin, checks);
    checkWitnesses(judged, options.policy, checks);
    checkInclusion(entry, file!, judged, options.sha256, checks);
  }
  const { have, need } = judged?.quorum ?? evaluateQuorum(options.policy, new Set());
  return {
    ok: checks.every(({ status }) => status !== 'failed'),
    code: gravest(checks),
    origin: judged?.checkpoint.origin,
    index: file?.index,
    checks,
    assurance: {
      selfSigned: judged !== undefined && judged.logKeys.length > 0,
      witnessed: { have, need, size: judged?.checkpoint.size ?? 0 },
      timestamped: false,
    },
  };
}

function readProof(proof: string, checks: CheckResult[]): ProofFile | undefined {
  try {
    const file = parseProofFile(proof);
    checks.push(passed('proof', 'The proof file is well-formed.'));
    return file;
  } catch (error) {
    checks.push(failed('proof', 'unreadable', `The proof file cannot be read: ${reasonOf(error)}.`));
    return undefined;
  }
}

function judgeCheckpoint(
  { checkpoint }: ProofFile,
  { policy, native }: VerifyEntryOptions,
  checks: CheckResult[],
): JudgedCheckpoint | undefined {
  try {
    return createCheckpointJudge(policy, native === undefined ? {} : { native }).judge(checkpoint);
  } catch (error) {
    const message = `The checkpoint in the proof is not what was signed: ${reasonOf(error)}.`;
    checks.push(failed('checkpoint', 'modified', message));
    return undefined;
  }
}

function checkSigner(
  { checkpoint, logKeys }: JudgedCheckpoint,
  expected: string | undefined,
  checks: CheckResult[],
): void {
  const { origin, size } = checkpoint;
  if (logKeys.length === 0) {
    checks.push({
      ...failed(
        'checkpoint',
        'key_unknown',
        `No key that the trust policy has for ${origin} signed the checkpoint.`,
      ),
      advice: "Pin the log's verifier key if you trust it.",
    });
  } else if (expected !== undefined && origin !== expected)
    checks.push(
      failed('checkpoint', 'key_unknown', `The proof is for the log ${origin}; expected is ${expected}.`),
    );
  else checks.push(passed('checkpoint', `${origin} signed a checkpoint of size ${size}.`));
}

function checkWitnesses({ quorum }: JudgedCheckpoint, policy: TrustPolicy, checks: CheckResult[]): void {
  const { satisfied, have, need } = quorum;
  if (policy.quorum === undefined)
    checks.push({
      check: 'witnesses',
      status: 'skipped',
      code: 'not_covered',
      message: 'The trust policy asks for no witnesses.',
    });
  else if (satisfied) checks.push(passed('witnesses', `${have} witnesses cosigned the checkpoint.`));
  else {
    const message = `${have} witnesses cosigned the checkpoint; the trust policy needs ${need} or more.`;
    checks.push(failed('witnesses', 'not_witnessed', message));
  }
}

function checkInclusion(
  entry: Uint8Array,
  { index, hashes }: ProofFile,
  { checkpoint }: JudgedCheckpoint,
  sha256: Sha256 | undefined,
  checks: CheckResult[],
): void {
  const hasher = createTreeHasher(sha256);
  const at = { firstIndex: index, lastIndex: index };
  try {
    verifyInclusion(index, checkpoint.size, hasher.leafHash(entry), hashes, checkpoint.root, hasher);
    checks.push({ ...passed('inclusion', `The entry is at index ${index} of the log.`), ...at });
  } catch (error) {
    const message = `The entry is not what the log holds at index ${index}: ${reasonOf(error)}. Either its bytes were changed, or the proof is of another entry.`;
    checks.push({ ...failed('inclusion', 'modified', message), ...at });
  }
}

function passed(check: string, message: string): CheckResult {
  return { check, status: 'passed', code: 'intact', message };
}

function failed(check: string, code: VerdictCode, message: string): CheckResult {
  return { check, status: 'failed', code, message };
}
