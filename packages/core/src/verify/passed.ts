import type { TrustPolicy } from '../checkpoint/policy.ts';
import type { InspectEntry, TrailEvidence } from './evidence.ts';
import type { Faults } from './faults.ts';
import type { HeadSource } from './heads.ts';
import type { ReplayOutcome } from './replay.ts';
import type { CheckResult } from './verdict.ts';

interface Situation {
  readonly evidence: TrailEvidence;
  readonly policy: TrustPolicy;
  readonly inspectEntry: InspectEntry | undefined;
  readonly size: number;
  readonly outcome: ReplayOutcome;
  /** Sources of heads that could not be compared. Those that were found to be beyond the end have a fault instead. */
  readonly incomparable: ReadonlySet<HeadSource>;
  readonly faults: Faults;
  readonly storeFaults: readonly CheckResult[];
}

/** A result for every check that found nothing wrong: so a verdict shows all that was checked, and what was not. */
export function resultsWithoutFault(situation: Situation): CheckResult[] {
  const { evidence, policy, inspectEntry, size, outcome, incomparable, faults, storeFaults } = situation;
  const covered = outcome.head?.size ?? 0;
  const witnessed = outcome.witnessed?.size ?? 0;
  const lost = 'It cannot be compared: entries before it could not be read.';
  const results = [
    passed('identity', 'The trust policy knows the origin and the key of the trail.'),
    passed(
      'entries',
      size === 0
        ? 'The trail is empty, and no checkpoint says that it ever was not.'
        : `Entries read and hashed again: ${size}; none is missing, changed or out of place.`,
    ),
    evidence.tile === undefined
      ? skipped('tiles', 'This evidence has no stored hashes.')
      : passed('tiles', 'All stored hashes follow from the entries.'),
    inspectEntry === undefined
      ? skipped('content', 'The content of the entries was not looked at.')
      : passed(
          'content',
          'All entries can be read, are of this trail, and are in the order of their receipt.',
        ),
    incomparable.has('checkpoint')
      ? skipped('checkpoints', 'Not all of them can be compared: entries before them could not be read.')
      : passed('checkpoints', 'All stored checkpoints are signed by pinned keys, for rising sizes.'),
    evidence.published === undefined
      ? skipped('published', 'There is no published checkpoint kept apart from the log.')
      : incomparable.has('published')
        ? skipped('published', lost)
        : passed('published', 'The log holds everything that its published checkpoint covers.'),
    evidence.remembered === undefined
      ? skipped('remembered', 'No checkpoint is remembered from earlier.')
      : incomparable.has('remembered')
        ? skipped('remembered', lost)
        : passed('remembered', 'The log extends what was seen last time.'),
    policy.quorum === undefined
      ? skipped('witnesses', 'The trust policy asks for no witnesses.')
      : witnessed < covered
        ? uncovered('witnesses', witnessed, covered, 'Not witnessed yet; the entries before are.')
        : passed('witnesses', 'Enough witnesses saw this log and no other.'),
    covered < size
      ? uncovered('coverage', covered, size, 'No checkpoint that agrees covers these entries yet.')
      : passed(
          'coverage',
          size === 0 ? 'There is no entry to cover.' : 'A signed checkpoint covers every entry.',
        ),
    evidence.storeFaults === undefined
      ? skipped('store', 'The store has no further tables to check.')
      : passed('store', 'The derived tables of the store follow from the entries.'),
  ];
  return results.filter(({ check }) =>
    check === 'store' ? storeFaults.length === 0 : !faults.failed(check),
  );
}

function passed(check: string, message: string): CheckResult {
  return { check, status: 'passed', code: 'intact', message };
}

function skipped(check: string, message: string): CheckResult {
  return { check, status: 'skipped', code: 'not_covered', message };
}

/** Entries from `first` up to, not including, `end`. */
function uncovered(check: string, first: number, end: number, message: string): CheckResult {
  return {
    check,
    status: 'not_covered',
    code: 'not_covered',
    firstIndex: first,
    lastIndex: end - 1,
    count: end - first,
    message,
  };
}
