import { type Entry, parseTime } from '@sealtrail/core';
import type { DetectorInput, EventSource, RuleEvent } from '@sealtrail/core/sigma';
import { sourceView } from '@sealtrail/core/sources';

const text = new TextDecoder();

/**
 * An entry as rules see it: an event of the product `sealtrail`, whose category is that of the event. One that was imported
 * from another product is an event of that one too, with the field names that rules for it know.
 *
 * Of both it is known what they are: an event without a category is of none, and rules that ask for one are not for it.
 */
export function inputOf(bytes: Uint8Array, index: number): DetectorInput {
  const entry = JSON.parse(text.decode(bytes)) as Entry;
  const { category, context, metadata, tenant } = entry;
  const logsource: EventSource = {
    ...{ product: 'sealtrail', isComplete: true },
    ...(category !== undefined && { category }),
    ...(context?.service !== undefined && { service: context.service }),
  };
  const original = sourceView(metadata);
  return {
    views: [
      { event: entry as unknown as RuleEvent, logsource },
      ...(original === undefined
        ? []
        : [{ event: original.event, logsource: { ...original.logsource, isComplete: true } }]),
    ],
    timeMs: parseTime(entry.time)!,
    receivedMs: parseTime(entry.receivedAt)!,
    index,
    partition: tenant ?? '',
  };
}
