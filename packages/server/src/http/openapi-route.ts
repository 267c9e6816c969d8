import { type OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi';
import { type ErrorCode, errorKinds, problemSchema } from '@sealtrail/core';
import type { HttpEnv } from './context.ts';

/** What is said of one route. */
export interface DocumentedRoute extends Pick<RouteConfig, 'method' | 'path' | 'description' | 'request'> {
  /** What generated clients call it: it never changes. */
  readonly operationId: string;
  readonly summary: string;
  /** Answers by status, apart from problems. */
  readonly answers: RouteConfig['responses'];
  /** Codes of problems, beyond those that every route has. */
  readonly codes?: readonly ErrorCode[];
  readonly problem?: z.ZodType;
  /** Asks for no token. */
  readonly isPublic?: true;
}

/** Refused before there is a route, or in none of its own ways. */
const anywhere: readonly ErrorCode[] = [
  'malformed_request',
  'request_timeout',
  'headers_too_large',
  'internal',
];
const withToken: readonly ErrorCode[] = ['unauthenticated', 'forbidden'];

/** Codes of what waits for an entry to be durable: of events, and of whatever is recorded before it is answered. */
export const recordedCodes: readonly ErrorCode[] = ['overloaded', 'storage_unavailable', 'shutting_down'];
/** Codes of what reads a JSON body. */
export const bodyCodes: readonly ErrorCode[] = [
  'malformed_json',
  'invalid_utf8',
  'duplicate_key',
  'unsupported_media_type',
  'body_too_large',
  'invalid_body',
];

/** Puts a route into the API document. */
export function documentRoute(app: OpenAPIHono<HttpEnv>, route: DocumentedRoute): void {
  const { answers, codes = [], problem = problemSchema, isPublic, ...described } = route;
  app.openAPIRegistry.registerPath({
    ...described,
    responses: {
      ...problemAnswers([...anywhere, ...(isPublic ? [] : withToken), ...codes], problem),
      ...answers,
    },
    ...(isPublic && { security: [] }),
  });
}

/** Problems by status, described by the codes that the route has of it. */
function problemAnswers(codes: readonly ErrorCode[], schema: z.ZodType): RouteConfig['responses'] {
  return Object.fromEntries(
    [...Map.groupBy(codes, (code) => errorKinds[code].status)].map(([status, ofStatus]) => [
      status,
      { description: ofStatus.join(', '), content: { 'application/problem+json': { schema } } },
    ]),
  );
}

/** A body or an answer. */
interface Content {
  description: string;
  content: Record<string, { schema: z.ZodType }>;
}

/** A JSON body or answer of one schema. */
export const jsonOf = (schema: z.ZodType, description: string): Content => ({
  description,
  content: { 'application/json': { schema } },
});

/** An answer that is text. */
export const textOf = (mediaType: string, description: string): Content => ({
  description,
  content: { [mediaType]: { schema: z.string() } },
});

/** An answer that is bytes. */
export const bytesOf = (description: string): Content => ({
  description,
  content: { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
});
