import { parsePolicy, type TrustPolicy } from '../checkpoint/policy.ts';
import type { InspectEntry, TrailEvidence } from '../verify/evidence.ts';
import type { TrailVerdict } from '../verify/verdict.ts';
import { type VerifyTrailOptions, verifyTrail } from '../verify/verify-trail.ts';
import { logKey, MemoryTrail } from './memory-trail.ts';

/** Pins the key of a MemoryTrail and asks for no witnesses. */
export const policy: TrustPolicy = parsePolicy(`log ${logKey.vkey}\nquorum none\n`);

/** Sizes that the trails in tests have published checkpoints of, when they have 700 entries. */
export const SIZES: readonly number[] = [1, 100, 300, 512, 700];

const inspectEntry: InspectEntry = (entry) => JSON.parse(new TextDecoder().decode(entry));

/** Verifies with everything switched on. */
export function verify(
  trail: MemoryTrail | TrailEvidence,
  options: Partial<VerifyTrailOptions> = {},
): Promise<TrailVerdict> {
  const evidence = trail instanceof MemoryTrail ? trail.evidence() : trail;
  return verifyTrail(evidence, { policy, inspectEntry, ...options });
}

/** The failed checks in short, sorted: check, code, first and last index. */
export function failures(verdict: TrailVerdict): (string | number | undefined)[][] {
  return verdict.checks
    .filter(({ status }) => status === 'failed')
    .map(({ check, code, firstIndex, lastIndex }) =>
      firstIndex === undefined ? [check, code] : [check, code, firstIndex, lastIndex],
    )
    .sort((a, b) => (a.join() < b.join() ? -1 : 1));
}

export function statusOf(verdict: TrailVerdict, check: string): string | undefined {
  return verdict.checks.find((result) => result.check === check)?.status;
}
