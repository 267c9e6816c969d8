import { SealtrailError } from '@sealtrail/core';
import { ingestScopeOf } from '../access/ingest-scope.ts';
import { bodyFormats, ingest } from '../ingest/ingest.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';

/** `POST /v1/events`. The body is read from the socket's stream: it may be large, compressed and slow. */
export function postEvents(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'events.write');
    if (parts.isDraining()) throw new SealtrailError('shutting_down', undefined, { retryAfterSeconds: 5 });
    const partial = parsePartial(c.req.query('partial'));
    const mediaType =
      c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? 'application/json';
    const format = Object.hasOwn(bodyFormats, mediaType) ? bodyFormats[mediaType] : undefined;
    if (!format)
      throw new SealtrailError(
        'unsupported_media_type',
        `expected a content type of ${Object.keys(bodyFormats).join(', ')}`,
      );
    const { receipts, errors } = await ingest(
      { stream: c.env.incoming, encoding: c.req.header('content-encoding'), format, partial },
      parts.intake.begin(ingestScopeOf(token), partial),
      parts.ingestLimits,
    );
    parts.metrics.events.inc(receipts.length);
    return new Response(JSON.stringify(partial ? { receipts, errors } : { receipts }), {
      status: 201,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    });
  };
}

function parsePartial(value: string | undefined): boolean {
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  throw new SealtrailError('invalid_parameter', 'partial: expected true or false');
}
