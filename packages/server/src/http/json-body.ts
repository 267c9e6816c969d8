import { parseBody, SealtrailError } from '@sealtrail/core';
import type { z } from 'zod';
import { readBody } from '../ingest/body.ts';
import type { HttpContext } from './context.ts';
import { mediaTypeOf } from './media-type.ts';

/** What describes a trail or a token is short. */
const defaultMaxBytes = 64 * 1024;

/**
 * Reads a JSON body of one schema, within bounds; stands behind authorization. It reads from the socket's stream, as
 * event bodies are read, so that what is left of a body that is refused can still be drained.
 *
 * @throws SealtrailError unsupported_media_type | body_too_large; as parseBody of core
 */
export async function readJsonBody<Schema extends z.ZodType>(
  c: HttpContext,
  schema: Schema,
  maxBytes: number = defaultMaxBytes,
): Promise<z.output<Schema>> {
  if (mediaTypeOf(c.req.header('content-type')) !== 'application/json')
    throw new SealtrailError('unsupported_media_type', 'expected the content type application/json');
  if (c.req.header('content-encoding') !== undefined)
    throw new SealtrailError('unsupported_media_type', 'expected no content encoding');
  return parseBody(await readBody(c.env.incoming, undefined, maxBytes), schema);
}
