import { parseTimeSpan, SealtrailError } from '@sealtrail/core';

/** The time that an option names, in milliseconds since 1970. @throws SealtrailError invalid_parameter */
export function timeIn(option: string, text: string, nowMs: number): number {
  const span = parseTimeSpan(text, nowMs);
  if (span === undefined)
    throw new SealtrailError(
      'invalid_parameter',
      `${option}: expected a time such as 2026-01-31T09:30:00Z, a date, or a duration back such as 7d`,
    );
  return span.first;
}
