import { SealtrailError } from '@sealtrail/core';
import { createMiddleware } from 'hono/factory';
import type { MiddlewareHandler } from 'hono/types';
import { readBody } from '../ingest/body.ts';
import type { HttpEnv } from './context.ts';
import { mediaTypeOf } from './media-type.ts';

/** What describes a trail or a token is short. */
const maxBytes = 64 * 1024;

/**
 * Reads a JSON body within bounds; stands behind authorization and before validation. It reads from the socket's
 * stream, as event bodies are read, so that what is left of a body that is refused can still be drained.
 */
export const jsonBody: MiddlewareHandler<HttpEnv> = createMiddleware<HttpEnv>(async (c, next) => {
  if (mediaTypeOf(c.req.header('content-type')) !== 'application/json')
    throw new SealtrailError('unsupported_media_type', 'expected the content type application/json');
  if (c.req.header('content-encoding') !== undefined)
    throw new SealtrailError('unsupported_media_type', 'expected no content encoding');
  const body = await readBody(c.env.incoming, undefined, maxBytes);
  c.req.raw = new Request(c.req.url, {
    method: c.req.method,
    headers: c.req.raw.headers,
    body: Uint8Array.from(body),
  });
  await next();
});
