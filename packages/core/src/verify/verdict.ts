/**
 * What verification can say, gravest first. `pruned` and `erased` are what was removed as the policy says, with a signed
 * entry to show for it; `not_covered` is what no agreeing checkpoint covers yet.
 */
export const verdictCodes = [
  'forked',
  'rolled_back',
  'missing',
  'truncated',
  'inserted_or_reordered',
  'modified',
  'unreadable',
  'key_unknown',
  'not_witnessed',
  'pruned',
  'erased',
  'not_covered',
  'intact',
] as const;
export type VerdictCode = (typeof verdictCodes)[number];

/** `not_covered` and `skipped` are information, not failures. */
export type CheckStatus = 'passed' | 'failed' | 'not_covered' | 'skipped';

/** The outcome of one check. A check that failed in several ways has a result for each. */
export interface CheckResult {
  /**
   * identity, checkpoints, entries, tiles, content, published, remembered, witnesses, coverage; of a proof: proof,
   * checkpoint, witnesses, inclusion; or the name that a store gave its own.
   */
  readonly check: string;
  readonly status: CheckStatus;
  readonly code: VerdictCode;
  /** First and last entry concerned; those between need not all be. */
  readonly firstIndex?: number;
  readonly lastIndex?: number;
  /** How many of them are. */
  readonly count?: number;
  /** What was found; about the entries that the indexes tell, where there are any. */
  readonly message: string;
  /** What to look at next, where a check failed. */
  readonly advice?: string;
}

/** Entries first to last, both included, about which the same is to be said. */
export interface VerdictRange {
  readonly first: number;
  readonly last: number;
  readonly code: VerdictCode;
}

/** How far an outsider has to trust the operator. */
export interface Assurance {
  /** A key of the trust policy signed a tree that the evidence agrees with. */
  readonly selfSigned: boolean;
  /** Witnesses of the quorum that cosigned the tree of `size`, and how many the policy needs at least. */
  readonly witnessed: { readonly have: number; readonly need: number; readonly size: number };
  readonly timestamped: false;
}

/** The verdict on a trail. */
export interface TrailVerdict {
  readonly trail: string;
  readonly origin: string;
  /** True when no check failed. */
  readonly ok: boolean;
  /** `intact`, or the gravest code of a failed check. */
  readonly code: VerdictCode;
  /** Entries that the evidence claims to have. */
  readonly size: number;
  /** Entries that a signed checkpoint vouches for. */
  readonly coveredSize: number;
  /** The largest checkpoint that the entries agree with. Worth remembering for the next time if `ok`. */
  readonly checkpoint: { readonly size: number; readonly note: string } | undefined;
  readonly checks: readonly CheckResult[];
  /** Every entry from 0 to size is in one range; entries that were removed at the end follow. */
  readonly ranges: readonly VerdictRange[];
  readonly assurance: Assurance;
}

/** The gravest code among failed checks; `intact` without any. */
export function gravest(checks: readonly CheckResult[]): VerdictCode {
  const failed = new Set(checks.filter(({ status }) => status === 'failed').map(({ code }) => code));
  return verdictCodes.find((code) => failed.has(code)) ?? 'intact';
}

/** Cuts overlapping ranges into adjacent ones; where several overlap the gravest is kept. */
export function flattenRanges(ranges: readonly VerdictRange[]): VerdictRange[] {
  const cuts = [...new Set(ranges.flatMap(({ first, last }) => [first, last + 1]))].sort((a, b) => a - b);
  const flat: VerdictRange[] = [];
  for (const [i, first] of cuts.entries()) {
    const over = ranges.filter((range) => range.first <= first && first <= range.last);
    const code = verdictCodes.find((candidate) => over.some((range) => range.code === candidate));
    if (code === undefined) continue;
    const last = cuts[i + 1]! - 1;
    const before = flat.at(-1);
    if (before?.code === code && before.last === first - 1) flat[flat.length - 1] = { ...before, last };
    else flat.push({ first, last, code });
  }
  return flat;
}
