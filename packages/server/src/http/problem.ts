import { errorKinds, type IngestProblem, SealtrailError } from '@sealtrail/core';
import { InterruptedIngest } from '../ingest/interrupted-ingest.ts';

/** The media type of problem details. */
export const problemType = 'application/problem+json';

/**
 * RFC 9457 problem details of an error, with what a request had done before it. What is no {@link SealtrailError} is
 * `internal` and says nothing of its cause.
 */
export function problemOf(error: unknown): IngestProblem {
  const known = error instanceof SealtrailError ? error : new SealtrailError('internal');
  const { title, status } = errorKinds[known.code];
  return {
    type: `urn:sealtrail:error:${known.code}`,
    title,
    status,
    code: known.code,
    ...(known.message !== title && { detail: known.message }),
    ...(known.details.length > 0 && { errors: [...known.details] }),
    ...(known instanceof InterruptedIngest && { receipts: [...known.receipts], decided: known.decided }),
  };
}

/** The response that stands for an error, with further headers. */
export function problemResponse(error: unknown, further: Readonly<Record<string, string>> = {}): Response {
  const problem = problemOf(error);
  const headers = new Headers({ 'content-type': problemType, 'cache-control': 'no-store', ...further });
  if (error instanceof SealtrailError && error.retryAfterSeconds !== undefined)
    headers.set('retry-after', String(error.retryAfterSeconds));
  else if (problem.status === 503) headers.set('retry-after', '1');
  if (problem.status === 401) headers.set('www-authenticate', 'Bearer realm="sealtrail"');
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}
