import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { deadLetterPageSchema, importResponseSchema } from '@sealtrail/core/sources';
import type { HttpEnv } from './context.ts';
import { documentRoute, jsonOf, recordedCodes } from './openapi-route.ts';

const named = z.object({
  name: z.string().openapi({
    description: 'Name of a source, such as aws-cloudtrail, okta, github-audit, syslog or access-log.',
  }),
});
const whole = z.string().openapi({ format: 'binary' });

/** Documents what imports records of other products, and what keeps those that could not be. */
export function documentSourceRoutes(app: OpenAPIHono<HttpEnv>): void {
  documentRoute(app, {
    method: 'post',
    path: '/v1/sources/{name}',
    operationId: 'importRecords',
    summary: 'Import records of a source',
    description:
      'The body is what the source writes: JSON records, one, an array, one a line, or in their envelope; or lines of text. gzip, also without saying so, or zstd. Records are stored as they come. Sent again, nothing is stored twice: ids follow from the source’s own, or from the line. What cannot become an event is named, kept, and keeps nothing else from being stored.',
    request: {
      params: named,
      query: z.object({
        trail: z.string().optional().openapi({ description: 'The trail; main when absent.' }),
        tenant: z.string().optional().openapi({ description: 'The tenant that all of it belongs to.' }),
        at: z.iso.datetime({ offset: true }).optional().openapi({
          description:
            'Of lines without a year or a time zone: when they were written at the latest, and in which zone. Absent: now, in UTC.',
        }),
        keep: z.enum(['true', 'false']).optional().openapi({
          description: 'false: what cannot become an event is named in the answer, and not kept.',
        }),
      }),
      body: {
        required: true,
        content: Object.fromEntries(
          ['application/json', 'application/x-ndjson', 'text/plain', 'application/gzip'].map((type) => [
            type,
            { schema: whole },
          ]),
        ),
      },
    },
    answers: {
      200: jsonOf(importResponseSchema, 'Nothing of it was new.'),
      201: jsonOf(importResponseSchema, 'What is new is stored.'),
    },
    codes: [
      'invalid_parameter',
      'malformed_json',
      'unsupported_media_type',
      'body_too_large',
      'trail_not_found',
      'source_not_found',
      ...recordedCodes,
    ],
  });
  documentRoute(app, {
    method: 'get',
    path: '/v1/sources/{name}/dead-letters',
    operationId: 'listDeadLetters',
    summary: 'Records that could not be imported, with their text',
    description: 'They may hold anything, personal data included: for tokens that are limited to nothing.',
    request: {
      params: named,
      query: z.object({
        after: z.int().optional().openapi({ description: 'Those with a larger id.' }),
        limit: z.int().min(1).max(1000).optional(),
      }),
    },
    answers: { 200: jsonOf(deadLetterPageSchema, 'A page.') },
    codes: ['invalid_parameter', 'source_not_found', ...recordedCodes],
  });
  documentRoute(app, {
    method: 'delete',
    path: '/v1/sources/{name}/dead-letters',
    operationId: 'deleteDeadLetters',
    summary: 'Forget records that could not be imported',
    request: {
      params: named,
      query: z.object({
        through: z.int().optional().openapi({ description: 'Those up to this id; absent: all.' }),
      }),
    },
    answers: { 200: jsonOf(z.strictObject({ removed: z.int().min(0) }), 'How many there were.') },
    codes: ['invalid_parameter', 'source_not_found', ...recordedCodes],
  });
}
