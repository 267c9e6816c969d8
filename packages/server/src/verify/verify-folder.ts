import { setTimeout as delay } from 'node:timers/promises';
import {
  type CheckpointJudge,
  type CheckResult,
  createCheckpointJudge,
  type NewestEntries,
  parsePolicy,
  reasonOf,
  SealtrailError,
  type StoreFault,
  type TrailVerdict,
  type TrustPolicy,
  type VerdictCode,
  verdictCodes,
  verifyTrail,
} from '@sealtrail/core';
import { type DataFolder, dataFolder } from '../adapters/fs/data-folder.ts';
import { nativeEd25519Verify } from '../adapters/native-ed25519.ts';
import { nativeSha256 } from '../adapters/native-sha256.ts';
import { isThere } from '../adapters/regular-file.ts';
import { LogEvidence } from '../adapters/sqlite/log-evidence.ts';
import { type PublishedEvidence, readPublished } from '../adapters/sqlite/published-evidence.ts';
import {
  journalFaults,
  ownPolicyFaults,
  publishedFaults,
  readOwnPolicy,
  trailFaults,
} from './folder-checks.ts';
import { VerifyProgress } from './progress.ts';
import { RememberedCheckpoints } from './remembered.ts';

/** Longer than a server with default settings takes to sign the first checkpoint of a trail. */
const defaultSettleMs = 2_500;

export interface VerifyFolderOptions {
  /** Text of the pinned trust policy; absent: the one in the folder, which proves less. */
  readonly policyText?: string | undefined;
  /** Only this trail; absent: all. */
  readonly trail?: string | undefined;
  /**
   * File in which the checkpoints seen are kept from one verification to the next, best on another machine. Without it
   * whoever has the keys and published.db can set the log back or write it anew.
   */
  readonly rememberFile?: string | undefined;
  /** Whether entries fail that no checkpoint covers yet; absent: the verdict names them. */
  readonly requireSigned?: boolean | undefined;
  /** Whether entries fail that no witnessed checkpoint covers, but for the newest; absent: the verdict names them. */
  readonly requireWitnessed?: NewestEntries | undefined;
  /** Milliseconds to wait before a second look at a trail that a running server may just have made. */
  readonly settleMs?: number;
  /** Entries verified, of how many there seem to be: for a progress bar, never for the verdict. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** The verdict on a data folder. */
export interface FolderVerdict {
  readonly ok: boolean;
  /** `intact`, or the gravest code of a failed check. */
  readonly code: VerdictCode;
  readonly trails: readonly TrailVerdict[];
  /** What was found wrong with the folder as a whole. */
  readonly checks: readonly CheckResult[];
  /** True when the keys came from a policy that was given, not from the folder that is verified. */
  readonly isPinned: boolean;
}

/**
 * Verifies a data folder from its bytes alone: no server, and beside a running one as well. Whatever is wrong with the
 * folder is in the verdict.
 *
 * @throws SealtrailError data_folder_invalid when it is no data folder; invalid_policy, invalid_configuration for the
 *   policy given and the remembered checkpoints
 */
export async function verifyFolder(dir: string, options: VerifyFolderOptions = {}): Promise<FolderVerdict> {
  const folder = dataFolder(dir);
  if (![folder.log, folder.published, folder.policy].some(isThere))
    throw new SealtrailError('data_folder_invalid', `${folder.dir} is no data folder; check its name`);
  const remembered =
    options.rememberFile === undefined ? undefined : new RememberedCheckpoints(options.rememberFile);
  const pinned = options.policyText === undefined ? undefined : judgeOf(parsePolicy(options.policyText));
  const progress = new VerifyProgress(options.onProgress ?? (() => {}));
  const look = (isWanted: Look['isWanted']): Promise<FolderVerdict> =>
    verifyOnce({ folder, options, pinned, remembered, progress, isWanted });
  const first = await look((name) => options.trail === undefined || name === options.trail);

  // A trail may be so new that its server has not signed anything yet. That is for a second look to tell, not for a
  // milder verdict: entries without a signature prove nothing, and whoever deletes all checkpoints and the row in
  // published.db could otherwise rewrite a whole trail without any key and have it pass.
  const isUnsettled = new Set(
    first.trails.filter(({ code }) => isMaybeNew(code, first.isPinned)).map(({ trail }) => trail),
  );
  let { trails } = first;
  if (isUnsettled.size > 0) {
    await delay(options.settleMs ?? defaultSettleMs, undefined, options.signal && { signal: options.signal });
    const second = await look((name) => isUnsettled.has(name));
    trails = trails.map((verdict) => second.trails.find(({ trail }) => trail === verdict.trail) ?? verdict);
  }
  const verdict = { ...first, ...summaryOf(trails, first.checks), trails };
  if (verdict.ok)
    remembered?.put(
      trails.flatMap(({ origin, checkpoint }) => (checkpoint ? [[origin, checkpoint.note] as const] : [])),
    );
  return verdict;
}

/** A server makes a trail, then its line in trust-policy.txt; it takes the first entries, then signs them. */
function isMaybeNew(code: VerdictCode, isPinned: boolean): boolean {
  return code === 'not_covered' || (code === 'key_unknown' && !isPinned);
}

/** One look at a folder. */
interface Look {
  readonly folder: DataFolder;
  readonly options: VerifyFolderOptions;
  /** Judges by the policy that was given, if one was. */
  readonly pinned: CheckpointJudge | undefined;
  readonly remembered: RememberedCheckpoints | undefined;
  readonly progress: VerifyProgress;
  readonly isWanted: (name: string) => boolean;
}

/** One judge for all trails: a policy may have as many keys as there are trails. */
const judgeOf = (policy: TrustPolicy): CheckpointJudge =>
  createCheckpointJudge(policy, { native: nativeEd25519Verify });

async function verifyOnce(look: Look): Promise<FolderVerdict> {
  const { folder, options, pinned, remembered, progress, isWanted } = look;
  const isPinned = pinned !== undefined;
  // A running server goes on meanwhile. It publishes apart first, then into the log: what was published before the log's
  // state is fixed must be in the log, and what the log has must have been published by the time of a second look.
  const own = isPinned ? undefined : readOwnPolicy(folder);
  const judge = pinned ?? judgeOf(own!.policy);
  const { policy } = judge;
  const published = readPublished(folder.published);
  const faults: StoreFault[] = [...journalFaults(folder), ...(own?.faults ?? []), ...published.faults];
  const verdictOf = (trails: readonly TrailVerdict[]): FolderVerdict => {
    const checks = faults.map((fault): CheckResult => ({ status: 'failed', ...fault }));
    return { ...summaryOf(trails, checks), trails, checks, isPinned };
  };

  using log = openLog(folder, faults);
  if (log === undefined) return verdictOf([]);
  faults.push(...log.faults());
  if (!log.hasTables) return verdictOf([]);
  if (isPinned) faults.push(...ownPolicyFaults(folder, policy, log));
  faults.push(...folderFaults(log, policy, published, readPublished(folder.published), options.trail));

  const wanted = log.trails
    .filter(({ name }) => isWanted(name))
    .map((record) => ({ record, claimed: log.claimedSize(record) }));
  progress.expect(wanted.reduce((sum, { claimed }) => sum + claimed, 0));
  const trails: TrailVerdict[] = [];
  for (const { record, claimed } of wanted) {
    const trail = log.trail(record, {
      published: published.checkpoints.get(record.name)?.note,
      remembered: remembered?.get(record.origin),
    });
    trails.push(
      await verifyTrail(trail, {
        policy: judge,
        sha256: nativeSha256,
        inspectEntry: (entry, index) => trail.inspectEntry(entry, index),
        onProgress: (entries) => progress.at(entries),
        requireSigned: options.requireSigned === true,
        ...(options.requireWitnessed && { requireWitnessed: options.requireWitnessed }),
        ...(options.signal && { signal: options.signal }),
      }),
    );
    progress.endTrail(claimed);
  }
  return verdictOf(trails);
}

function openLog(folder: DataFolder, faults: StoreFault[]): LogEvidence | undefined {
  if (!isThere(folder.log)) {
    faults.push({
      check: 'store',
      code: 'missing',
      message: 'log.db is missing, though other files of the data folder are there.',
      advice: 'Restore it.',
    });
    return undefined;
  }
  try {
    return new LogEvidence(folder.log);
  } catch (error) {
    const reason = reasonOf(error);
    const message = `log.db cannot be read as a log: ${reason}.`;
    faults.push({ check: 'store', code: 'unreadable', message, advice: 'Check the storage.' });
    return undefined;
  }
}

/** Faults between the files of the folder. */
function folderFaults(
  log: LogEvidence,
  policy: TrustPolicy,
  published: PublishedEvidence,
  publishedLater: PublishedEvidence,
  onlyTrail: string | undefined,
): StoreFault[] {
  try {
    const faults = [...publishedFaults(log, publishedLater)];
    if (onlyTrail === undefined) faults.push(...trailFaults(log, policy, published));
    else if (!log.trails.some(({ name }) => name === onlyTrail))
      faults.push({
        check: 'identity',
        code: 'missing',
        message: `The log has no trail ${onlyTrail}.`,
        advice: 'Check the name; look for the trail in a backup.',
      });
    return faults;
  } catch (error) {
    const reason = reasonOf(error);
    const message = `log.db cannot be read throughout: ${reason}.`;
    return [{ check: 'store', code: 'unreadable', message, advice: 'Check the storage.' }];
  }
}

function summaryOf(
  trails: readonly TrailVerdict[],
  checks: readonly CheckResult[],
): Pick<FolderVerdict, 'ok' | 'code'> {
  const codes = new Set([...trails.filter(({ ok }) => !ok), ...checks].map(({ code }) => code));
  return { ok: codes.size === 0, code: verdictCodes.find((code) => codes.has(code)) ?? 'intact' };
}
