import { fieldValues, type RuleEvent } from './event-fields.ts';

/** Where the sources that rules are written for say when something happened, the best first. */
const timeFields = [
  'time',
  '@timestamp',
  'timestamp',
  'eventTime',
  'event_time',
  'published',
  'created_at',
  'createdDateTime',
  'TimeCreated',
  'UtcTime',
  'EventTime',
  'SystemTime',
  'Event.System.TimeCreated.SystemTime',
  'protoPayload.timestamp',
  'ts',
  'date',
] as const;

/** Numbers below are seconds since 1970, others milliseconds: seconds have eleven digits from the year 5138 on. */
const leastMs = 1e11;

/** When an event happened by its own account, in milliseconds since 1970; undefined where it does not say so. */
export function eventTimeOf(event: RuleEvent): number | undefined {
  for (const field of timeFields) {
    const value = fieldValues(event, field)?.[0];
    const ms = typeof value === 'number' ? msOf(value) : typeof value === 'string' ? parse(value) : undefined;
    if (ms !== undefined) return ms;
  }
  return undefined;
}

function parse(text: string): number | undefined {
  if (/^\d+(?:\.\d+)?$/.test(text)) return msOf(Number(text));
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return undefined;
  // Without a time zone it is UTC, as these sources mean it.
  const hasZone = /(?:[Zz]|[+-]\d{2}:?\d{2}| UTC)$/.test(text);
  const ms = Date.parse(hasZone ? text : `${text.replace(' ', 'T')}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

const msOf = (value: number): number | undefined =>
  Number.isFinite(value) && value > 0 ? Math.trunc(value < leastMs ? value * 1000 : value) : undefined;
