import { SealtrailError } from '@sealtrail/core';

/** Where a page of alerts ends: the time at which its last one was opened, and its id. */
export interface AlertPlace {
  readonly openedAt: string;
  readonly id: string;
}

// The time in milliseconds (12 hexadecimal digits), and the digits of the id.
const form = /^([0-9a-f]{12})([0-9a-f]{24})$/;

/** The text of a cursor: opaque to whoever gets it. It gives no right to anything. */
export const encodeAlertCursor = ({ openedAt, id }: AlertPlace): string =>
  `${Date.parse(openedAt).toString(16).padStart(12, '0')}${id.slice('alr_'.length)}`;

/** @throws SealtrailError invalid_cursor */
export function decodeAlertCursor(text: string): AlertPlace {
  const parts = form.exec(text);
  const ms = parts ? Number.parseInt(parts[1]!, 16) : Number.NaN;
  // The latest time that a date can have (ECMA-262 section 21.4.1.1).
  if (parts === null || ms > 8.64e15)
    throw new SealtrailError('invalid_cursor', 'expected a cursor as the page before gave it');
  return { openedAt: new Date(ms).toISOString(), id: `alr_${parts[2]!}` };
}
