import type { ProducerState } from '../../ports.ts';

/** Ranges of missing numbers kept for one producer; beyond it the oldest are given up, and stay reported. */
export const maxMissingRanges = 256;

const noReports = { hour: '', count: 0, unreported: 0 } as const;

/** Sequence numbers that were passed over. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** What one more sequence number says about its producer. The first number seen starts the sequence. */
export function observe(
  state: ProducerState | undefined,
  seq: number,
): { readonly state: ProducerState; readonly gap?: Gap } {
  if (!state) return { state: { firstSeq: seq, lastSeq: seq, missing: [], reports: noReports } };
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
