import { type Entry, parseTime } from '@sealtrail/core';
import type { DetectorInput, Logsource, RuleEvent } from '@sealtrail/core/sigma';

const text = new TextDecoder();

/** An entry as rules see it: an event of the product `sealtrail`, whose category is that of the event. */
export function inputOf(bytes: Uint8Array, index: number): DetectorInput {
  const entry = JSON.parse(text.decode(bytes)) as Entry;
  const { category, context, tenant } = entry;
  const logsource: Logsource = {
    product: 'sealtrail',
    ...(category !== undefined && { category }),
    ...(context?.service !== undefined && { service: context.service }),
  };
  return {
    views: [{ event: entry as unknown as RuleEvent, logsource }],
    timeMs: parseTime(entry.time)!,
    receivedMs: parseTime(entry.receivedAt)!,
    index,
    partition: tenant ?? '',
  };
}
