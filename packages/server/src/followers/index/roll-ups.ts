import { fieldOf } from '@sealtrail/core';
import type { OpenSegment } from './open-segment.ts';
import { type MinuteCounts, minuteMs, type RolledUpField, rolledUpFields } from './segment.ts';
import { fieldCode } from './terms.ts';

/** The counts of one trail, for one value of a field or, where both are '', for all entries. */
export interface RollUp {
  readonly trail: string;
  readonly field: RolledUpField | '';
  readonly value: string;
  readonly minutes: MinuteCounts;
}

/** All counts by minute of a segment, one at a time. */
export function* rollUpsOf(segment: OpenSegment): Generator<RollUp> {
  const times = segment.times('time');
  const minutes = Uint32Array.from({ length: segment.entryCount }, (_, i) =>
    Math.floor(times.valueAt(i) / minuteMs),
  );
  const names = [...segment.trails.keys()];
  const trailOf = new Uint16Array(segment.entryCount);
  for (const [i, term] of [...segment.trails.values()].entries())
    segment.arena.forEach(term, (entry) => {
      trailOf[entry] = i;
    });

  /** Counts of the entries that `each` visits, by trail. */
  function* counts(
    field: RolledUpField | '',
    value: string,
    each: (visit: (entry: number) => void) => void,
  ): Generator<RollUp> {
    const byTrail = new Map<number, Map<number, number>>();
    each((entry) => {
      const trail = trailOf[entry]!;
      let byMinute = byTrail.get(trail);
      if (byMinute === undefined) {
        byMinute = new Map();
        byTrail.set(trail, byMinute);
      }
      const minute = minutes[entry]!;
      byMinute.set(minute, (byMinute.get(minute) ?? 0) + 1);
    });
    for (const [trail, byMinute] of byTrail) {
      const rows = [...byMinute].sort(([a], [b]) => a - b);
      yield { trail: names[trail]!, field, value, minutes: Uint32Array.from(rows.flat()) };
    }
  }

  yield* counts('', '', (visit) => {
    for (let entry = 0; entry < segment.entryCount; entry++) visit(entry);
  });
  for (const field of rolledUpFields)
    for (const [value, term] of segment.termsOf(fieldCode(fieldOf(field))))
      yield* counts(field, value, (visit) => segment.arena.forEach(term, visit));
}
