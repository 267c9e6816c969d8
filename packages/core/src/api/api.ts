import { z } from 'zod';
import { errorKinds } from '../errors.ts';
import { entrySchema, eventId, trailName } from '../event/event.ts';
import { eventLimits } from '../event/limits.ts';
import { text } from './text.ts';

/** Names of the roles a token can have, weakest first. */
export const roles = ['ingest', 'read', 'analyst', 'auditor', 'admin'] as const;
export type Role = (typeof roles)[number];

const index = z.int().min(0).meta({ description: 'Position in the trail, from 0.' });
const hash = z.string().meta({
  description: '32-byte hash, base64 (RFC 4648 section 4, padded).',
  example: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
});

/** What a producer gets once its event is durable. The same event sent again gets the same receipt. */
export const receiptSchema = z.strictObject({ id: eventId, trail: trailName, index, leafHash: hash }).meta({
  id: 'Receipt',
  description: 'The event is durable: where it is, and the hash that proofs are about.',
});
export type Receipt = z.output<typeof receiptSchema>;

const errorCode = z.enum(Object.keys(errorKinds) as [keyof typeof errorKinds]);

export const errorDetailSchema = z
  .strictObject({
    position: z
      .int()
      .min(0)
      .optional()
      .meta({ description: 'Position of the event in the request, from 0.' }),
    pointer: z.string().optional().meta({ description: 'JSON Pointer (RFC 6901) inside that event.' }),
    code: errorCode,
    message: z.string(),
  })
  .meta({ id: 'ErrorDetail' });

/** RFC 9457 problem details, with a stable `code`. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: errorCode,
    detail: z.string().optional(),
    errors: z.array(errorDetailSchema).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details. `code` is stable; prose is not.' });
export type Problem = z.output<typeof problemSchema>;

/** Problem of a `POST /v1/events` with `partial=true`: what was decided before it failed is said beside why it failed. */
export const ingestProblemSchema = problemSchema
  .extend({
    receipts: z.array(receiptSchema).optional().meta({
      description:
        'Only with partial=true, where the request failed midway: of the events that are stored, in the order of the request. `errors` names those refused.',
    }),
    decided: z.int().min(1).optional().meta({
      description:
        'Beside receipts: so many events, from the first on, have a receipt or an error. Send the others again, and only those.',
    }),
  })
  .meta({
    id: 'IngestProblem',
    description:
      'RFC 9457 problem details of a request that reports events. Without `decided` none of them has a receipt.',
  });
export type IngestProblem = z.output<typeof ingestProblemSchema>;

/** Answer to `POST /v1/events`: receipts in the order of the request; with `partial=true` also what was refused. */
export const ingestResponseSchema = z
  .strictObject({
    receipts: z.array(receiptSchema),
    errors: z
      .array(errorDetailSchema)
      .optional()
      .meta({ description: 'Only with partial=true: the events refused, by position.' }),
  })
  .meta({ id: 'IngestResponse' });
export type IngestResponse = z.output<typeof ingestResponseSchema>;

/** An entry as search returns it: where it is, and its content. */
export const storedEntrySchema = z.strictObject({ index, entry: entrySchema }).meta({ id: 'StoredEntry' });
export type StoredEntry = z.output<typeof storedEntrySchema>;

export const eventPageSchema = z
  .strictObject({
    events: z.array(storedEntrySchema).meta({ description: 'Newest first.' }),
    nextCursor: z.string().nullable().meta({
      description:
        'Give it as `cursor` for the next page; null on the last. A page can hold fewer events than asked for and still have a next one.',
    }),
    indexedSize: z.int().min(0).meta({ description: 'Entries of the trail that this answer could see.' }),
  })
  .meta({ id: 'EventPage' });
export type EventPage = z.output<typeof eventPageSchema>;

export const statsSchema = z
  .strictObject({
    total: z.int().min(0),
    field: z.string().optional(),
    values: z
      .array(z.strictObject({ value: z.string(), count: z.int() }))
      .optional()
      .meta({ description: 'Most frequent first.' }),
    otherCount: z.int().optional().meta({ description: 'Occurrences of values beyond the limit.' }),
    buckets: z.array(z.strictObject({ start: z.iso.datetime(), count: z.int() })).optional(),
    indexedSize: z.int().min(0),
  })
  .meta({ id: 'Stats' });
export type Stats = z.output<typeof statsSchema>;

export const trailSchema = z
  .strictObject({
    name: trailName,
    origin: z.string(),
    vkey: z.string().meta({ description: 'Verifier key (C2SP signed-note); pin it out of band.' }),
    size: z.int().min(0),
    checkpoint: z
      .string()
      .nullable()
      .meta({ description: 'The last published checkpoint, a C2SP signed note.' }),
  })
  .meta({ id: 'Trail' });
export type Trail = z.output<typeof trailSchema>;

export const newTrailSchema = z.strictObject({ name: trailName }).meta({ id: 'NewTrail' });

const scopeOf = <Name extends z.ZodType<string>>(name: Name) =>
  z.array(name).min(1).max(256).meta({ description: 'Names, or `*` for all.' });

export const newTokenSchema = z
  .strictObject({
    name: text(128),
    role: z.enum(roles),
    trails: scopeOf(z.union([z.literal('*'), trailName], 'expected the name of a trail, or *')).default([
      '*',
    ]),
    tenants: scopeOf(text(eventLimits.shortText)).default(['*']),
    expiresAt: z.iso
      .datetime({ offset: true, error: 'expected an RFC 3339 time, such as 2027-01-31T09:30:00Z' })
      .optional()
      .meta({ description: 'A time to come; absent: the token is valid until it is revoked.' }),
  })
  .meta({ id: 'NewToken' });
export type NewToken = z.input<typeof newTokenSchema>;

export const tokenSchema = z
  .strictObject({
    id: z.string().regex(/^tok_[0-9a-z]{16}$/),
    name: z.string(),
    role: z.enum(roles),
    trails: scopeOf(z.string()),
    tenants: scopeOf(z.string()),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime({ offset: true }).nullable(),
    revokedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Token', description: 'A token without its secret.' });
export type Token = z.output<typeof tokenSchema>;

export const createdTokenSchema = tokenSchema
  .extend({
    secret: z.string().meta({ description: 'The bearer token. Shown this once; only its hash is kept.' }),
  })
  .meta({ id: 'CreatedToken' });
export type CreatedToken = z.output<typeof createdTokenSchema>;
