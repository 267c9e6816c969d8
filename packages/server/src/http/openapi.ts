import { type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  errorKinds,
  eventPageSchema,
  eventSchema,
  ingestProblemSchema,
  ingestResponseSchema,
  problemSchema,
  statsSchema,
  storedEntrySchema,
} from '@sealtrail/core';
import { bodyFormats } from '../ingest/ingest.ts';
import type { HttpEnv } from './context.ts';
import { fieldParameters, intervalNames } from './search-routes.ts';

/** A JSON body or answer of one schema. */
export function jsonOf<T extends z.ZodType>(
  schema: T,
  description: string,
): { description: string; content: { 'application/json': { schema: T } } } {
  return { description, content: { 'application/json': { schema } } };
}

type ErrorStatus = (typeof errorKinds)[keyof typeof errorKinds]['status'];
type ProblemAnswer<T> = {
  description: string;
  content: { 'application/problem+json': { schema: T } };
};

/** Problem answers by status, described by the codes that have it. */
export function problemAnswers<S extends ErrorStatus>(
  ...statuses: readonly S[]
): Record<S, ProblemAnswer<typeof problemSchema>> {
  return answersOf(problemSchema, statuses);
}

function answersOf<S extends ErrorStatus, T extends z.ZodType>(
  schema: T,
  statuses: readonly S[],
): Record<S, ProblemAnswer<T>> {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: Object.entries(errorKinds)
          .filter(([, kind]) => kind.status === status)
          .map(([code]) => code)
          .join(', '),
        content: { 'application/problem+json': { schema } },
      },
    ]),
  ) as Record<S, ProblemAnswer<T>>;
}

const text = (description: string) => ({ description, content: { 'text/plain': { schema: z.string() } } });
const binary = (description: string) => ({
  description,
  content: { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
});

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

const metadataNote =
  'Beyond the fields below, metadata.<path> is a parameter for every path into metadata, such as metadata.plan=gold.';

/** Documents the routes that read their requests themselves: bodies and answers that are streams or stored text. */
export function documentRawRoutes(app: OpenAPIHono<HttpEnv>): void {
  const registry = app.openAPIRegistry;
  registry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  const events = z.union([eventSchema, z.array(eventSchema)]);
  registry.registerPath({
    method: 'post',
    path: '/v1/events',
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
    responses: {
      201: jsonOf(ingestResponseSchema, 'A receipt for each event, in order.'),
      ...answersOf(ingestProblemSchema, [400, 401, 403, 404, 408, 409, 413, 415, 422, 503]),
    },
  });
  registry.registerPath({
    method: 'get',
    path: '/v1/events',
    summary: 'Search events, newest first',
    description: metadataNote,
    request: {
      query: searchParameters.extend({
        limit: z.int().min(1).max(1000).optional(),
        cursor: z.string().optional(),
      }),
    },
    responses: { 200: jsonOf(eventPageSchema, 'A page.'), ...problemAnswers(400, 401, 403, 404, 503) },
  });
  registry.registerPath({
    method: 'get',
    path: '/v1/stats',
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
    responses: { 200: jsonOf(statsSchema, 'Counts.'), ...problemAnswers(400, 401, 403, 404, 503) },
  });
  registry.registerPath({
    method: 'get',
    path: '/v1/events/stream',
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
    responses: {
      200: {
        description:
          'Events named entry; their id is the index. An id without an event says from where to come back.',
        content: { 'text/event-stream': { schema: z.string() } },
      },
      ...problemAnswers(400, 401, 403, 404, 503),
    },
  });
  const one = { params: z.object({ id: z.string() }), query: z.object({ trail }) };
  registry.registerPath({
    method: 'get',
    path: '/v1/events/{id}',
    summary: 'One event',
    request: one,
    responses: { 200: jsonOf(storedEntrySchema, 'The entry.'), ...problemAnswers(400, 401, 403, 404) },
  });
  registry.registerPath({
    method: 'get',
    path: '/v1/events/{id}/proof',
    summary: 'Proof that an event is in the log (C2SP tlog-proof)',
    request: one,
    responses: { 200: text('The proof with a signed checkpoint.'), ...problemAnswers(400, 401, 403, 404) },
  });
  const free = { security: [] };
  const state = z.object({ status: z.enum(['ok', 'ready', 'draining', 'failed']) });
  registry.registerPath({
    method: 'get',
    path: '/healthz',
    summary: 'Whether the process answers',
    ...free,
    responses: { 200: jsonOf(state, 'It does.') },
  });
  registry.registerPath({
    method: 'get',
    path: '/readyz',
    summary: 'Whether events are taken',
    ...free,
    responses: {
      200: jsonOf(state, 'They are.'),
      503: jsonOf(state, 'They are not: the server stops, or the log cannot be written.'),
    },
  });
  registry.registerPath({
    method: 'get',
    path: '/metrics',
    summary: 'Metrics of the server (Prometheus text format)',
    responses: { 200: text('Metrics. No label holds a name out of an event.'), ...problemAnswers(401, 403) },
  });
  registry.registerPath({
    method: 'get',
    path: '/openapi.json',
    summary: 'This document',
    ...free,
    responses: { 200: jsonOf(z.looseObject({ openapi: z.string() }), 'An OpenAPI 3.1 document.') },
  });
  const log = z.object({ trail: z.string() });
  registry.registerPath({
    method: 'get',
    path: '/trails/{trail}/checkpoint',
    summary: 'Last published checkpoint (C2SP tlog-checkpoint)',
    request: { params: log },
    responses: { 200: text('A signed note.'), ...problemAnswers(401, 403, 404) },
  });
  registry.registerPath({
    method: 'get',
    path: '/trails/{trail}/tile/{path}',
    summary: 'Hash tiles and entry bundles (C2SP tlog-tiles)',
    request: { params: log.extend({ path: z.string() }) },
    responses: { 200: binary('A tile or a bundle.'), ...problemAnswers(401, 403, 404) },
  });
}
