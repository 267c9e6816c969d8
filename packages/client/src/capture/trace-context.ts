/** Ids of a W3C trace. */
export interface TraceParent {
  readonly traceId: string;
  /** Id of the caller's span. */
  readonly spanId: string;
}

/** Version, trace id, parent id, flags; a version after 00 may add more after a dash (section 3.2.2). */
const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/**
 * Reads a `traceparent` header (W3C Trace Context section 3.2), strictly: what breaks a rule is ignored as the
 * specification demands, since half of an id joins what does not belong together.
 */
export function parseTraceparent(header: string | undefined): TraceParent | undefined {
  if (header === undefined || header.length > 512) return undefined;
  const [, version, traceId, spanId, more] = pattern.exec(header) ?? [];
  if (!version || !traceId || !spanId) return undefined;
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId };
}

/** A request id from a header, when it is one that can go into logs and searches unescaped; otherwise undefined. */
export function parseRequestId(text: string | undefined): string | undefined {
  return text !== undefined && /^[\w.:/+=@-]{1,128}$/.test(text) ? text : undefined;
}
