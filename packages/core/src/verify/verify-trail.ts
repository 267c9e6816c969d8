import type { Ed25519Verify } from '../checkpoint/ed25519.ts';
import { formatVkey } from '../checkpoint/key.ts';
import type { TrustPolicy } from '../checkpoint/policy.ts';
import { type CheckpointJudge, createCheckpointJudge } from '../checkpoint/trust.ts';
import { reasonOf } from '../errors.ts';
import { createTreeHasher, type Sha256 } from '../tree/hash.ts';
import { type Block, BlockReader } from './blocks.ts';
import type { InspectEntry, TrailEvidence } from './evidence.ts';
import { Faults } from './faults.ts';
import { readGuarded } from './guarded.ts';
import { type HeadSource, Heads } from './heads.ts';
import { resultsWithoutFault } from './passed.ts';
import { Replay, type ReplayOutcome } from './replay.ts';
import { StoredTiles } from './tiles.ts';
import { type CheckResult, flattenRanges, gravest, type TrailVerdict, type VerdictRange } from './verdict.ts';
import { checkWitnesses, DueEntries, type NewestEntries, witnessesOf } from './witnesses.ts';

/** What verification relies on. Everything else is evidence. */
export interface VerifyTrailOptions {
  /**
   * Pinned by the verifier, never taken from what is verified. Who verifies many trails by one policy gives the judge made
   * of it: making one takes as long as the policy is.
   */
  readonly policy: TrustPolicy | CheckpointJudge;
  /** The origin that the trail must have; absent: the one it claims, provided that the policy knows it. */
  readonly origin?: string;
  /** Faster implementations, such as those of node:crypto. They change no verdict. */
  readonly sha256?: Sha256;
  /** Not used where `policy` is a judge, which has its own. */
  readonly native?: Ed25519Verify;
  /** Whether entries fail that no checkpoint covers yet, normally those of the last second; absent: the verdict names them. */
  readonly requireSigned?: boolean;
  /**
   * Whether entries fail that no checkpoint with the cosignatures of the policy's quorum covers, but for the newest; absent:
   * one that covers any of them is enough, and the verdict tells how far it reaches. Without `inspectEntry` none is too new.
   */
  readonly requireWitnessed?: NewestEntries;
  /** Reads the content of an entry; absent: content is not checked. */
  readonly inspectEntry?: InspectEntry;
  /** Called after every batch with the number of entries read. */
  readonly onProgress?: (entries: number) => void;
  /** Stops the verification: the promise rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Verifies a trail: reads every stored entry, hash and checkpoint, and tells what the signed checkpoints say about them.
 *
 * Bad evidence never makes it throw: whatever is wrong, missing or unreadable is in the verdict, all of it. What the
 * verdict does not say: whether an entry was true when it was recorded, and, without witnesses and without a
 * checkpoint remembered from earlier, whether whoever holds the log's key has shown others a different log.
 */
export async function verifyTrail(
  evidence: TrailEvidence,
  options: VerifyTrailOptions,
): Promise<TrailVerdict> {
  const { onProgress, signal } = options;
  const due = options.requireWitnessed && new DueEntries(options.requireWitnessed);
  const inspectEntry = options.inspectEntry && (due?.watch(options.inspectEntry) ?? options.inspectEntry);
  const origin = options.origin ?? evidence.origin;
  const hasher = createTreeHasher(options.sha256);
  const judge = judgeOf(options);
  const faults = new Faults();
  const tiles = new StoredTiles(evidence, faults);
  const heads = new Heads(evidence, origin, judge, faults);
  const reader = new BlockReader({ evidence, hasher, tiles, faults, inspectEntry, onProgress });
  const replay = new Replay(hasher, tiles, heads, faults);

  checkIdentity(evidence, origin, judge, faults);
  for await (const [previous, block, next] of inContext(reader.blocks())) {
    if (signal?.aborted) await heads.close();
    signal?.throwIfAborted();
    await replay.add(previous, block, next);
  }
  const { size, isCutOff } = reader;
  const outcome = await replay.finish(!isCutOff);
  const { beyond } = outcome;
  if (!isCutOff) checkEnd(size, beyond, faults);
  checkWitnesses(size, judge.policy, outcome, due && (inspectEntry ? due.end : size), faults);
  checkCoverage(size, heads, outcome, options.requireSigned === true, faults);
  const storeFaults = await readStoreFaults(evidence);

  const incomparable = new Set([...outcome.incomparable, ...beyond.keys()]);
  const others = resultsWithoutFault({
    evidence,
    policy: judge.policy,
    inspectEntry,
    size,
    outcome,
    incomparable,
    faults,
    storeFaults,
  });
  const checks = [...faults.results(), ...storeFaults, ...others];
  const { head } = outcome;
  return {
    trail: evidence.name,
    origin,
    ok: checks.every(({ status }) => status !== 'failed'),
    code: gravest(checks),
    size,
    coveredSize: head?.size ?? 0,
    checkpoint: head && { size: head.size, note: head.note },
    checks,
    ranges: rangesOf(size, head?.size ?? 0, faults),
    assurance: {
      selfSigned: head !== undefined,
      witnessed: witnessesOf(judge.policy, outcome),
      timestamped: false,
    },
  };
}

function judgeOf({ policy, native }: VerifyTrailOptions): CheckpointJudge {
  if ('judge' in policy) return policy;
  return createCheckpointJudge(policy, native === undefined ? {} : { native });
}

/** The policy must know the log that the trail says it is, and the key that it says it signs with. */
function checkIdentity(
  evidence: TrailEvidence,
  origin: string,
  judge: CheckpointJudge,
  faults: Faults,
): void {
  const pinned = judge.logKeysOf(origin);
  if (evidence.origin !== origin)
    faults.note('originUnknown', `The trail claims the origin ${evidence.origin}; expected is ${origin}.`);
  else if (pinned.length === 0)
    faults.note('originUnknown', `The trust policy has no key for the origin ${origin}.`);
  else if (!pinned.some((key) => formatVkey(key) === evidence.vkey))
    faults.note(
      'originUnknown',
      `The trail names another verifier key than the trust policy has for the origin ${origin}.`,
    );
}

/** Each block with its neighbours. */
async function* inContext(
  blocks: AsyncIterable<Block>,
): AsyncGenerator<readonly [Block | undefined, Block, Block | undefined], undefined> {
  let previous: Block | undefined;
  let block: Block | undefined;
  for await (const next of blocks) {
    if (block !== undefined) yield [previous, block, next];
    previous = block;
    block = next;
  }
  if (block !== undefined) yield [previous, block, undefined];
  return undefined;
}

/**
 * Nothing may be signed beyond the last entry. If the log itself still holds such a checkpoint, entries were cut off; if
 * only a copy kept apart does, the whole log was set back.
 */
function checkEnd(size: number, beyond: ReadonlyMap<HeadSource, number>, faults: Faults): void {
  if (beyond.size === 0) return;
  const detail = (signed: number) => `a checkpoint of size ${signed} was signed, and the log ends at ${size}`;
  const isCutOff = beyond.has('checkpoint');
  const largest = Math.max(...beyond.values());
  if (isCutOff) faults.at('entriesTruncated', size, largest - 1, detail(largest));
  for (const [source, signed] of beyond) {
    if (source === 'checkpoint') continue;
    if (isCutOff) faults.note(`${source}CutOff`, detail(signed));
    else faults.at(`${source}Ahead`, size, signed - 1, detail(signed));
  }
}

/** Entries after the last checkpoint are normal, if nothing else is asked for; entries and no checkpoint at all are not. */
function checkCoverage(
  size: number,
  heads: Heads,
  { head }: ReplayOutcome,
  isAllAsked: boolean,
  faults: Faults,
): void {
  const covered = head?.size ?? 0;
  if (size > 0 && heads.largest === 0) faults.at('nothingSigned', 0, size - 1);
  else if (isAllAsked && covered < size) faults.at('notSigned', covered, size - 1);
}

async function readStoreFaults(evidence: TrailEvidence): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  if (evidence.storeFaults === undefined) return results;
  const found = readGuarded(
    () => evidence.storeFaults!(),
    (error) =>
      results.push({
        check: 'store',
        status: 'failed',
        code: 'unreadable',
        message: `The store's own tables could not be checked to the end: ${reasonOf(error)}.`,
        advice: 'Check the storage and verify again.',
      }),
  );
  for await (const fault of found) results.push({ status: 'failed', ...fault });
  return results;
}

function rangesOf(size: number, covered: number, faults: Faults): VerdictRange[] {
  const ranges: VerdictRange[] = [...faults.entryRanges()];
  if (covered > 0) ranges.push({ first: 0, last: covered - 1, code: 'intact' });
  if (covered < size) ranges.push({ first: covered, last: size - 1, code: 'not_covered' });
  return flattenRanges(ranges);
}
