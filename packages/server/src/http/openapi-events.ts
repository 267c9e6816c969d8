import { type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  type ErrorCode,
  eventPageSchema,
  eventSchema,
  ingestProblemSchema,
  ingestResponseSchema,
  statsSchema,
  storedEntrySchema,
} from '@sealtrail/core';
import { bodyFormats } from '../ingest/ingest.ts';
import type { HttpEnv } from './context.ts';
import { bodyCodes, documentRoute, jsonOf, recordedCodes, textOf } from './openapi-route.ts';
import { fieldParameters, intervalNames } from './search-routes.ts';

const trail = z.string().optional().openapi({ description: 'The trail; main when absent.' });
const searchParameters = z.object({
  trail,
  q: z
    .string()
    .optional()
    .openapi({ description: 'Query text, such as `actor:u_12 action:user.* outcome:failure refund`.' }),
  since: z
    .string()
    .optional()
    .openapi({ description: 'Earliest time: RFC 3339, or a duration back from now such as 24h.' }),
  until: z.string().optional().openapi({ description: 'Latest time.' }),
  after: z.int().optional().openapi({ description: 'Wait until the entry with this index is searchable.' }),
  ...Object.fromEntries(
    fieldParameters.map((name) => [
      name,
      z
        .string()
        .optional()
        .openapi({ description: `Entries whose ${name} is this; \`*\` stands for anything.` }),
    ]),
  ),
});
const searchCodes: readonly ErrorCode[] = [
  'invalid_parameter',
  'invalid_query',
  'trail_not_found',
  ...recordedCodes,
];

const metadataNote =
  'Beyond the fields below, metadata.<path> is a parameter for every path into metadata, such as metadata.plan=gold.';

/** Documents what writes events and what reads them. */
export function documentEventRoutes(app: OpenAPIHono<HttpEnv>): void {
  const events = z.union([eventSchema, z.array(eventSchema)]);
  documentRoute(app, {
    method: 'post',
    path: '/v1/events',
    operationId: 'recordEvents',
    summary: 'Report events',
    description:
      'One event, an array, or one a line (NDJSON); gzip or zstd. Answered when all of them are durable. All or nothing, unless partial=true. An event sent again with the same id gets the same receipt.',
    request: {
      query: z.object({
        partial: z.enum(['true', 'false']).optional().openapi({
          description:
            'Store the good events and report the others. Lines are stored as they come; where that ends early, the problem has the receipts so far.',
        }),
      }),
      body: {
        required: true,
        content: Object.fromEntries(
          Object.entries(bodyFormats).map(([type, format]) => [
            type,
            { schema: format === 'json' ? events : eventSchema },
          ]),
        ),
      },
    },
    answers: { 201: jsonOf(ingestResponseSchema, 'A receipt for each event, in order.') },
    codes: [
      'invalid_parameter',
      ...bodyCodes,
      'invalid_event',
      'entry_too_large',
      'trail_not_found',
      'id_conflict',
      ...recordedCodes,
    ],
    problem: ingestProblemSchema,
  });
  documentRoute(app, {
    method: 'get',
    path: '/v1/events',
    operationId: 'searchEvents',
    summary: 'Search events, newest first',
    description: metadataNote,
    request: {
      query: searchParameters.extend({
        limit: z.int().min(1).max(1000).optional(),
        cursor: z.string().optional(),
      }),
    },
    answers: { 200: jsonOf(eventPageSchema, 'A page.') },
    codes: [...searchCodes, 'invalid_cursor', 'index_behind', 'index_unavailable'],
  });
  documentRoute(app, {
    method: 'get',
    path: '/v1/stats',
    operationId: 'countEvents',
    summary: 'Count events by field and by time',
    description: metadataNote,
    request: {
      query: searchParameters.extend({
        field: z.string().optional().openapi({ description: 'Count by the values of this field.' }),
        limit: z.int().min(1).max(1000).optional(),
        interval: z
          .enum(intervalNames as [string])
          .optional()
          .openapi({ description: 'Count by time, in buckets of this width.' }),
      }),
    },
    answers: { 200: jsonOf(statsSchema, 'Counts.') },
    codes: [...searchCodes, 'index_behind', 'index_unavailable'],
  });
  documentRoute(app, {
    method: 'get',
    path: '/v1/events/stream',
    operationId: 'followEvents',
    summary: 'Follow events as they become durable (server-sent events)',
    description: metadataNote,
    request: {
      headers: z.object({
        'last-event-id': z
          .string()
          .optional()
          .openapi({ description: 'Index of the last entry that was seen, -1 for none; goes before from.' }),
      }),
      query: searchParameters.omit({ after: true }).extend({
        from: z.int().optional().openapi({ description: 'First index; absent: what comes from now on.' }),
      }),
    },
    answers: {
      200: textOf(
        'text/event-stream',
        'Events named entry; their id is the index. An id without an event says from where to come back.',
      ),
    },
    codes: [...searchCodes, 'too_many_streams'],
  });
  const one = { params: z.object({ id: z.string() }), query: z.object({ trail }) };
  const oneCodes: readonly ErrorCode[] = [
    'invalid_parameter',
    'trail_not_found',
    'event_not_found',
    ...recordedCodes,
  ];
  documentRoute(app, {
    method: 'get',
    path: '/v1/events/{id}',
    operationId: 'getEvent',
    summary: 'One event',
    request: one,
    answers: { 200: jsonOf(storedEntrySchema, 'The entry.') },
    codes: oneCodes,
  });
  documentRoute(app, {
    method: 'get',
    path: '/v1/events/{id}/proof',
    operationId: 'proveEvent',
    summary: 'Proof that an event is in the log (C2SP tlog-proof)',
    request: one,
    answers: { 200: textOf('text/plain', 'The proof with a signed checkpoint.') },
    codes: oneCodes,
  });
}
