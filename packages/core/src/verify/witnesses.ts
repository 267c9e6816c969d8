import { evaluateQuorum, type TrustPolicy } from '../checkpoint/policy.ts';
import type { InspectEntry } from './evidence.ts';
import type { Faults } from './faults.ts';
import type { ReplayOutcome } from './replay.ts';
import type { Assurance } from './verdict.ts';

/**
 * Which entries may be too new to be witnessed: those received from `from` to `to`, both RFC 3339 in UTC with milliseconds.
 * A time after `to` is none that an honest server gives, and is no excuse.
 */
export interface NewestEntries {
  readonly from: string;
  readonly to: string;
}

/** Counts the entries that should be witnessed by now, while entries are inspected. */
export class DueEntries {
  readonly #newest: NewestEntries;
  /** All entries before this index are due: there is one after them that is. */
  #end = 0;

  constructor(newest: NewestEntries) {
    this.#newest = newest;
  }

  /** The inspector, watched. What is no entry is due. */
  watch(inspectEntry: InspectEntry): InspectEntry {
    const { from, to } = this.#newest;
    return (entry, index) => {
      const before = this.#end;
      this.#end = index + 1;
      const facts = inspectEntry(entry, index);
      if (facts !== undefined && facts.receivedAt >= from && facts.receivedAt <= to) this.#end = before;
      return facts;
    };
  }

  get end(): number {
    return this.#end;
  }
}

/**
 * Enough witnesses must have seen some checkpoint, if the policy asks for any; and one that covers the entries before
 * `due`, if that is asked for.
 */
export function checkWitnesses(
  size: number,
  policy: TrustPolicy,
  outcome: ReplayOutcome,
  due: number | undefined,
  faults: Faults,
): void {
  if (size === 0) return;
  if (policy.quorum === undefined) {
    if (due !== undefined)
      faults.note(
        'notWitnessed',
        'All entries are asked to be witnessed, and the trust policy has no witnesses.',
      );
    return;
  }
  const { witnessed } = outcome;
  if (witnessed !== undefined) {
    if (due !== undefined && due > witnessed.size) faults.at('witnessedBehind', witnessed.size, due - 1);
    return;
  }
  const { have, need } = witnessesOf(policy, outcome);
  const unsupported = outcome.head?.judged.unsupported.length ?? 0;
  const note = unsupported === 0 ? '' : ` ${unsupported} more are of type ML-DSA-44, which is not supported.`;
  faults.note(
    'notWitnessed',
    `No checkpoint that the entries agree with has the cosignatures that the trust policy asks for: ${have} on the last one, ${need} or more are needed.${note}`,
  );
}

/** What witnesses say, of the largest checkpoint that enough of them cosigned, or else of the last one. */
export function witnessesOf(policy: TrustPolicy, { head, witnessed }: ReplayOutcome): Assurance['witnessed'] {
  const best = witnessed ?? head;
  const { have, need } = best?.judged.quorum ?? evaluateQuorum(policy, new Set());
  return { have, need, size: best?.size ?? 0 };
}
