import { SealtrailError } from '@sealtrail/core';
import { bodyLimit } from 'hono/body-limit';
import { createMiddleware } from 'hono/factory';
import type { MiddlewareHandler } from 'hono/types';
import type { HttpEnv } from './context.ts';
import { mediaTypeOf } from './media-type.ts';

/** What describes a trail or a token is short. */
const maxBytes = 64 * 1024;

const bounded = bodyLimit({
  maxSize: maxBytes,
  onError: () => {
    throw new SealtrailError('body_too_large', `expected a body of at most ${maxBytes} bytes`);
  },
});

/** Bounds a JSON body before it is read; stands behind authorization and before validation. */
export const jsonBody: MiddlewareHandler<HttpEnv> = createMiddleware<HttpEnv>((c, next) => {
  if (mediaTypeOf(c.req.header('content-type')) !== 'application/json')
    throw new SealtrailError('unsupported_media_type', 'expected the content type application/json');
  if (c.req.header('content-encoding') !== undefined)
    throw new SealtrailError('unsupported_media_type', 'expected no content encoding');
  return bounded(c, next);
});
