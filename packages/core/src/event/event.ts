import { z } from 'zod';
import { eventLimits as limits, timeRange } from './limits.ts';

/** The event schema version this code writes. */
export const SCHEMA_VERSION = 1;

export const categories = [
  'authentication',
  'authorization',
  'account',
  'access_management',
  'data_access',
  'data_change',
  'configuration',
  'api_activity',
  'network',
  'process',
  'system',
  'detection',
  'other',
] as const;
export const outcomes = ['success', 'failure', 'denied', 'unknown'] as const;
export const severities = ['informational', 'low', 'medium', 'high', 'critical'] as const;
export const actorTypes = ['user', 'service', 'api_key', 'system', 'anonymous'] as const;

const shortText = z.string().min(1).max(limits.shortText);
const longText = z.string().min(1).max(limits.longText);
const identifier = shortText;

/** RFC 9562 UUID of any version, kept in lower case. Version 7 is what the client makes and what searches fastest. */
export const eventId = z
  .string()
  .regex(
    // Without a flag: the pattern is also that of the API document, which has none.
    /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$/,
    'expected a UUID (RFC 9562), such as 019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f',
  )
  .meta({
    format: 'uuid',
    description: 'Idempotency key: a UUID, version 7 recommended. The server makes one when it is absent.',
  });

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt](?:[01]\d|2[0-3]):\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const daysInMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/**
 * Milliseconds since 1970 of an RFC 3339 time, or undefined when it is none or out of {@link timeRange}. Fractions
 * beyond milliseconds are cut. `Date.parse` alone would roll 30 February and 24:00 over and accept other formats.
 */
export function parseTime(text: string): number | undefined {
  if (!rfc3339.test(text)) return undefined;
  const year = Number(text.slice(0, 4));
  const month = Number(text.slice(5, 7));
  const day = Number(text.slice(8, 10));
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth[month - 1]!) return undefined;
  if (month === 2 && day === 29 && (year % 4 !== 0 || (year % 100 === 0 && year % 400 !== 0)))
    return undefined;
  const ms = Date.parse(text.toUpperCase());
  if (Number.isNaN(ms) || ms < timeRange.minMs || ms > timeRange.maxMs) return undefined;
  return Math.trunc(ms);
}

const time = z
  .string()
  .max(40)
  .refine(
    (text) => parseTime(text) !== undefined,
    'expected an RFC 3339 time between the years 1970 and 9999, such as 2026-01-31T09:30:00.000Z',
  )
  .meta({
    format: 'date-time',
    description: 'When it happened (RFC 3339). Absent: now. Stored in UTC with milliseconds.',
  });

/** Trail names: also path segments and file names, hence the narrow alphabet. */
export const trailName = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/,
    'expected 1 to 64 of a-z, 0-9, dot, dash and underscore, with a letter or digit first and last',
  )
  .refine((name) => !name.includes('..'), 'expected no two dots in a row')
  .meta({ description: 'The trail: one independently verifiable log.' });

/** The trail of events that name none. */
export const defaultTrail = 'main';

// Every object below declares its fields in RFC 8785 order (by UTF-16 code unit). zod emits them in the order of their
// declaration, so `JSON.stringify` of a parsed event is canonical without sorting; canonical.test.ts holds this.

const actor = z
  .strictObject({
    email: z.string().min(3).max(limits.email).optional(),
    id: identifier.optional(),
    name: shortText.optional(),
    onBehalfOf: identifier.optional(),
    sessionId: identifier.optional(),
    type: z.enum(actorTypes),
  })
  .meta({
    id: 'Actor',
    description: 'Who did it. Names are snapshots: they survive the deletion of the thing named.',
  });

const target = z
  .strictObject({ id: identifier.optional(), name: shortText.optional(), type: shortText })
  .meta({ id: 'Target', description: 'What it was done to.' });

const source = z
  .strictObject({
    ip: z
      .union(
        [z.ipv4().meta({ format: 'ipv4' }), z.ipv6().meta({ format: 'ipv6' })],
        'expected an IPv4 or IPv6 address',
      )
      .optional(),
    port: z.int().min(0).max(65535).optional(),
    userAgent: z.string().max(limits.path).optional(),
  })
  .meta({ id: 'Source', description: 'From where.' });

const http = z.strictObject({
  durationMs: z.number().min(0).max(1e12).optional(),
  method: z.string().min(1).max(32).optional(),
  path: z.string().min(1).max(limits.path).optional(),
  route: z.string().min(1).max(limits.path).optional(),
  status: z.int().min(100).max(599).optional(),
});

const context = z
  .strictObject({
    environment: shortText.optional(),
    http: http.optional(),
    requestId: identifier.optional(),
    service: shortText.optional(),
    spanId: identifier.optional(),
    traceId: identifier.optional(),
  })
  .meta({ id: 'Context', description: 'In which service and request.' });

/** Any JSON value. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Any JSON: what `JSON.parse` gave, with depth, keys and bytes already bounded by the parser (see parse.ts). */
const json = z.unknown() as z.ZodType<JsonValue, JsonValue>;

const change = z
  .strictObject({ after: json.optional(), before: json.optional(), field: shortText })
  .meta({ id: 'Change', description: 'One field that changed, with its value before and after.' });

const metadata = z
  .record(z.string().min(1).max(limits.keyLength), json)
  .meta({ description: 'Anything else, as bounded JSON.' });

const producer = z.strictObject({ id: identifier, seq: z.int().min(0) }).meta({
  id: 'Producer',
  description:
    'Who reported it, with a sequence number that begins with 0 and rises by one: gaps show lost events.',
});

/** Action names: dotted verb phrases. */
const action = z
  .string()
  .min(1)
  .max(limits.shortText)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_:/-]*(?:\.[A-Za-z0-9_:/-]+)*$/,
    'expected a dotted verb phrase, such as user.login or invoice.refund',
  )
  .meta({ description: 'What was done: a dotted verb phrase, such as user.login.' });

/** What an application reports: the one source of its type, its validator and its API documentation. */
export const eventSchema = z
  .strictObject({
    action,
    actor: actor.optional(),
    category: z.enum(categories).optional(),
    changes: z.array(change).max(limits.changes).optional(),
    context: context.optional(),
    id: eventId.optional(),
    metadata: metadata.optional(),
    outcome: z.enum(outcomes).optional(),
    producer: producer.optional(),
    reason: longText.optional(),
    schemaVersion: z.literal(SCHEMA_VERSION).optional(),
    severity: z.enum(severities).optional(),
    source: source.optional(),
    targets: z.array(target).max(limits.targets).optional(),
    tenant: identifier.optional().meta({ description: 'The customer this belongs to.' }),
    time: time.optional(),
    trail: trailName.optional(),
  })
  .meta({
    id: 'Event',
    description: 'What an application reports: who did what, to what, from where, with what outcome.',
  });

/** An event as an application reports it. Only `action` is needed. */
export type Event = z.input<typeof eventSchema>;

/** An event in a trail: what its canonical bytes parse to. `receivedAt` never decreases within a trail. */
export const entrySchema = eventSchema
  .required({ id: true, time: true, trail: true, schemaVersion: true })
  .extend({ receivedAt: time })
  .meta({
    id: 'Entry',
    description: 'An event in a trail. Its bytes are the RFC 8785 form of this object and never change.',
  });

export type Entry = z.output<typeof entrySchema>;

export type Category = (typeof categories)[number];
export type Outcome = (typeof outcomes)[number];
export type Severity = (typeof severities)[number];
export type Actor = z.input<typeof actor>;
export type Target = z.input<typeof target>;
export type Source = z.input<typeof source>;
export type Context = z.input<typeof context>;
export type Change = z.input<typeof change>;
export type Producer = z.input<typeof producer>;
