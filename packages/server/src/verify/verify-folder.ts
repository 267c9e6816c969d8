import { readFileSync } from 'node:fs';
import { type CheckResult, parsePolicy, SealtrailError, type StoreFault, type TrailVerdict, type TrustPolicy, type VerdictCode, verdictCodes, verifyTrail } from '@sealtrail/core';
import { type DataFolder, dataFolder } from '../adapters/fs/data-folder.ts';
import { nativeEd25519Verify } from '../adapters/native-ed25519.ts';
import { nativeSha256 } from '../adapters/native-sha256.ts';
import { LogEvidence } from '../adapters/sqlite/log-evidence.ts';
import { readPublished } from '../adapters/sqlite/published-store.ts';

export interface VerifyFolderOptions {
  /** Text of the pinned trust policy; absent: the one in the folder, which proves less. */
  readonly policyText?: string | undefined;
  /** Only this trail; absent: all. */
  readonly trail?: string | undefined;
  readonly onProgress?: (trail: string, entries: number) => void;
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
 * Verifies a data folder from its bytes alone: no server, and beside a running one as well.
 *
 * @throws SealtrailError data_folder_invalid when there is no log; invalid_policy
 */
export async function verifyFolder(dir: string, options: VerifyFolderOptions = {}): Promise<FolderVerdict> {
  const folder = dataFolder(dir);
  const policy = parsePolicy(options.policyText ?? readOwnPolicy(folder));
  const isPinned = options.policyText !== undefined;
  // Published checkpoints are read before the log: whatever they cover is in the log by then.
  const published = readPublished(folder.published);
  const checks: CheckResult[] = published.unreadable === undefined ? [] : [failed({ check: 'published', code: 'unreadable', message: published.unreadable })];
  let evidence: LogEvidence;
  try {
    evidence = new LogEvidence(folder.log);
  } catch (error) {
    const message = `log.db cannot be read as a log: ${error instanceof Error ? error.message : String(error)}`;
    return verdictOf([], [...checks, failed({ check: 'store', code: 'unreadable', message })], isPinned);
  }
  using log = evidence;
  checks.push(...guardedFileFaults(log).map(failed));
  if (options.trail === undefined) checks.push(...missingTrails(log, policy, published.notes));
  const wanted = log.trails.filter(({ name }) => options.trail === undefined || name === options.trail);
  if (options.trail !== undefined && wanted.length === 0) {
    checks.push(failed({ check: 'identity', code: 'missing', message: `The log has no trail ${options.trail}.` }));
  }
  const trails: TrailVerdict[] = [];
  for (const record of wanted) {
    const trail = log.trail(record, published.notes.get(record.name));
    trails.push(
      await verifyTrail(trail, {
        policy,
        sha256: nativeSha256,
        native: nativeEd25519Verify,
        inspectEntry: (entry) => trail.inspectEntry(entry),
        onProgress: (entries) => options.onProgress?.(record.name, entries),
        ...(options.signal && { signal: options.signal }),
      }),
    );
  }
  return verdictOf(trails, checks, isPinned);
}

function verdictOf(trails: readonly TrailVerdict[], checks: readonly CheckResult[], isPinned: boolean): FolderVerdict {
  const codes = new Set<VerdictCode>([...trails.filter(({ ok }) => !ok).map(({ code }) => code), ...checks.map(({ code }) => code)]);
  return { ok: codes.size === 0, code: verdictCodes.find((code) => codes.has(code)) ?? 'intact', trails, checks, isPinned };
}

const failed = ({ check, code, message, firstIndex }: StoreFault): CheckResult => ({
  check,
  status: 'failed',
  code,
  message,
  ...(firstIndex !== undefined && { firstIndex }),
});

/** A damaged file may make any of its own checks fail to run. */
function guardedFileFaults(log: LogEvidence): StoreFault[] {
  try {
    return log.fileFaults();
  } catch (error) {
    return [{ check: 'store', code: 'unreadable', message: `log.db cannot be read throughout: ${error instanceof Error ? error.message : String(error)}` }];
  }
}

/** Trails that the policy or the published checkpoints know and the log does not have; and trails in another order. */
function missingTrails(log: LogEvidence, policy: TrustPolicy, published: ReadonlyMap<string, string>): CheckResult[] {
  const known = new Set(log.trails.map(({ origin }) => origin));
  const names = new Set(log.trails.map(({ name }) => name));
  const faults: StoreFault[] = [];
  for (const { key } of policy.logs) {
    if (!known.has(key.name)) faults.push({ check: 'identity', code: 'missing', message: `The trust policy knows a trail of origin ${key.name}, which the log does not have.` });
  }
  for (const name of published.keys()) {
    if (!names.has(name)) faults.push({ check: 'published', code: 'missing', message: `A checkpoint of trail ${name} was published, but the log has no such trail.` });
  }
  for (const { name, origin } of log.trails) {
    if (!origin.endsWith(`/${name}`)) faults.push({ check: 'identity', code: 'modified', message: `Trail ${name} has the origin ${origin}: it was renamed, or its origin was.` });
  }
  return faults.map(failed);
}

function readOwnPolicy(folder: DataFolder): string {
  try {
    return readFileSync(folder.policy, 'utf8');
  } catch (cause) {
    throw new SealtrailError('data_folder_invalid', `there is no trust policy in ${folder.dir}; give one with --policy, or check the folder's name`, { cause });
  }
}
