import { SealtrailError } from '@sealtrail/core';
import { ingestScopeOf } from '../access/scopes.ts';
import { bodyFormats, ingest } from '../ingest/ingest.ts';
import { InterruptedIngest } from '../ingest/interrupted-ingest.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';
import { mediaTypeOf } from './media-type.ts';
import { oneOf, parametersOf } from './parameters.ts';
import { defaultTimeouts } from './server.ts';

/**
 * How long a body may take to arrive: less than the server gives a whole request, which it would end without saying what
 * became of the events.
 */
export const maxBodyMs: number = defaultTimeouts.requestMs - 4 * defaultTimeouts.checkMs;

/** `POST /v1/events`. The body is read from the socket's stream: it may be large, compressed and slow. */
export function postEvents(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'events.write');
    if (parts.isDraining()) throw new SealtrailError('shutting_down', undefined, { retryAfterSeconds: 5 });
    const partial = oneOf(parametersOf(c, ['partial']), 'partial', ['true', 'false']) === 'true';
    using memory = parts.bodyMemory.open(token.id);
    const body = {
      stream: c.env.incoming,
      encoding: c.req.header('content-encoding'),
      format: formatOf(c.req.header('content-type')),
      partial,
      memory,
      deadline: AbortSignal.timeout(maxBodyMs),
    };
    let refusals: readonly { readonly code: string }[] = [];
    try {
      const { receipts, errors } = await ingest(
        body,
        parts.intake.begin(ingestScopeOf(token), partial),
        parts.ingestLimits,
      );
      refusals = errors;
      parts.metrics.events.inc(receipts.length);
      return new Response(JSON.stringify(partial ? { receipts, errors } : { receipts }), {
        status: 201,
        headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      });
    } catch (error) {
      if (error instanceof SealtrailError) refusals = [error, ...error.details];
      if (error instanceof InterruptedIngest) parts.metrics.events.inc(error.receipts.length);
      throw error;
    } finally {
      // Writing to a trail or for a tenant out of reach is denied access, whatever became of the rest.
      if (refusals.some(({ code }) => code === 'forbidden')) gate.noteDenied(c, token);
    }
  };
}

/** The format of a body by its media type. @throws SealtrailError unsupported_media_type */
function formatOf(contentType: string | undefined): 'json' | 'ndjson' {
  const mediaType = mediaTypeOf(contentType) ?? 'application/json';
  const format = Object.hasOwn(bodyFormats, mediaType) ? bodyFormats[mediaType] : undefined;
  if (!format)
    throw new SealtrailError(
      'unsupported_media_type',
      `expected a content type of ${Object.keys(bodyFormats).join(', ')}`,
    );
  return format;
}
