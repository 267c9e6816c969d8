import type { EntryGroup } from './entry-group.ts';
import type { AppendBatch } from './protocol.ts';

/** Puts the entries of several requests into the few buffers of one batch. */
export function packBatch(batch: number, groups: readonly EntryGroup[]): AppendBatch {
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  const byteLength = groups.reduce((sum, group) => sum + group.byteLength, 0);
  const bytes = new Uint8Array(byteLength);
  const starts = new Uint32Array(count);
  const slots = new Uint32Array(count);
  const ids = new Uint8Array(count * 16);
  const trailOf = new Uint32Array(count);
  const timeChosen = new Uint8Array(count);
  const trails: string[] = [];
  const numberOf = new Map<string, number>();
  let entry = 0;
  let offset = 0;
  for (const group of groups) {
    bytes.set(group.bytes, offset);
    for (let i = 0; i < group.count; i++, entry++) {
      const trail = group.trails[i]!;
      let number = numberOf.get(trail);
      if (number === undefined) {
        number = trails.push(trail) - 1;
        numberOf.set(trail, number);
      }
      starts[entry] = group.starts[i]! + offset;
      slots[entry] = group.slots[i]! + offset;
      trailOf[entry] = number;
      timeChosen[entry] = group.timeChosen[i] ? 1 : 0;
      ids.set(group.ids[i]!, entry * 16);
    }
    offset += group.byteLength;
  }
  return {
    kind: 'append',
    batch,
    bytes,
    starts,
    slots,
    ids,
    trailOf,
    trails,
    timeChosen,
    groupSizes: Uint32Array.from(groups, (group) => group.count),
    groupPartial: Uint8Array.from(groups, (group) => (group.partial ? 1 : 0)),
  };
}

/** The buffers of a batch: they are handed over, not copied. */
export function transferables(batch: AppendBatch): ArrayBuffer[] {
  return [batch.bytes, batch.starts, batch.slots, batch.ids, batch.trailOf, batch.timeChosen].map(
    (view) => view.buffer as ArrayBuffer,
  );
}
