import type { ProducerState } from '../../ports.ts';

/** Ranges of missing numbers kept for one producer; beyond it the oldest are given up, and stay reported. */
export const maxMissingRanges = 256;

const noReports = { hour: '', count: 0, unreported: 0 } as const;

/** Sequence numbers that were passed over. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/**
 * A producer of which nothing was seen yet.
 *
 * @param firstSeq where its numbers begin
 */
export const unseenProducer = (firstSeq: number): ProducerState => ({
  firstSeq,
  lastSeq: firstSeq - 1,
  missing: [],
  reports: noReports,
});

/** What one more sequence number says about its producer. */
export function observe(
  state: ProducerState,
  seq: number,
): { readonly state: ProducerState; readonly gap?: Gap } {
  if (seq <= state.lastSeq)
    return {
      state: withMissing(
        state,
        state.missing.flatMap((range) => without(range, seq)),
      ),
    };
  const next = { ...state, lastSeq: seq };
  if (seq === state.lastSeq + 1) return { state: next };
  const gap = { from: state.lastSeq + 1, to: seq - 1 };
  return { state: withMissing(next, [...state.missing, [gap.from, gap.to]]), gap };
}

/** A number in the middle of a range makes two of it: also what fills gaps can add ranges. */
const withMissing = (state: ProducerState, missing: ProducerState['missing']): ProducerState => ({
  ...state,
  missing: missing.slice(-maxMissingRanges),
});

function without(range: readonly [number, number], seq: number): (readonly [number, number])[] {
  const [from, to] = range;
  if (seq < from || seq > to) return [range];
  const parts: (readonly [number, number])[] = [];
  if (from < seq) parts.push([from, seq - 1]);
  if (seq < to) parts.push([seq + 1, to]);
  return parts;
}
