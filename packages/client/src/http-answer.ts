import { type ErrorCode, type ErrorDetail, errorKinds, type Receipt, SealtrailError } from '@sealtrail/core';
import { parseRetryAfter } from './backoff.ts';
import type { DeliveryResult, EncodedEvent } from './transport.ts';

/** What can come back for an event is well below this: a receipt or a few error details. */
const MAX_ANSWER_BYTES_PER_EVENT = 4096;
const MAX_ANSWER_BYTES_BASE = 65_536;
/** Prose of the server that goes into an error message. */
const MAX_MESSAGE_LENGTH = 500;

/** Refusals that may be about some events of a batch only. */
const divisibleCodes: ReadonlySet<ErrorCode> = new Set([
  'body_too_large',
  'duplicate_key',
  'entry_too_large',
  'id_conflict',
  'invalid_event',
  'invalid_utf8',
  'malformed_json',
]);

/**
 * Reads the answer to `POST /v1/events`. The answer is foreign input: its size is bounded, and what it says is only
 * believed where it fits the batch. Members that this version does not know are passed over, so that a newer server
 * can say more.
 */
export async function readAnswer(
  response: Response,
  events: readonly EncodedEvent[],
  nowMs: number,
): Promise<DeliveryResult> {
  const { status } = response;
  const limit = MAX_ANSWER_BYTES_BASE + MAX_ANSWER_BYTES_PER_EVENT * events.length;
  const body = parseObject(await readText(response, limit));
  if (status >= 200 && status < 300) {
    const outcomes = body && readOutcomes(body, events);
    return outcomes ? { kind: 'answered', outcomes } : notUnderstood(status);
  }
  const decided = body && readDecided(body, events);
  if (decided) return { kind: 'answered', outcomes: events.map((_, position) => decided[position]) };
  if (isTransient(status)) {
    const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), nowMs);
    return { kind: 'unavailable', error: problemError(status, body), retryAfterMs };
  }
  const refused = readRefusals(body?.['errors'], events.length);
  if (refused.size > 0) {
    return { kind: 'answered', outcomes: events.map((_, position) => refused.get(position)) };
  }
  const error = problemError(status, body);
  return { kind: 'refused', error, divisible: divisibleCodes.has(error.code) };
}

/** 408, 425 and 429 by definition; every 5xx but those that say "never": the events are idempotent, so asking again is safe. */
function isTransient(status: number): boolean {
  return (
    status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501 && status !== 505)
  );
}

/** Receipts in the order of the accepted events, and errors by position; undefined when they do not fit the batch. */
function readOutcomes(
  body: Record<string, unknown>,
  events: readonly EncodedEvent[],
): (Receipt | SealtrailError)[] | undefined {
  const receipts = body['receipts'];
  if (!Array.isArray(receipts)) return undefined;
  const refused = readRefusals(body['errors'], events.length);
  if (receipts.length + refused.size !== events.length) return undefined;
  let next = 0;
  const outcomes: (Receipt | SealtrailError)[] = [];
  for (const [position, event] of events.entries()) {
    const outcome = refused.get(position) ?? readReceipt(receipts[next++], event);
    if (!outcome) return undefined;
    outcomes.push(outcome);
  }
  return outcomes;
}

/** What became of the first events of a request that failed midway; undefined where nothing was decided. */
function readDecided(
  body: Record<string, unknown>,
  events: readonly EncodedEvent[],
): (Receipt | SealtrailError)[] | undefined {
  const { decided } = body;
  if (typeof decided !== 'number' || !Number.isInteger(decided)) return undefined;
  return decided > 0 && decided <= events.length ? readOutcomes(body, events.slice(0, decided)) : undefined;
}

function readReceipt(value: unknown, event: EncodedEvent): Receipt | undefined {
  if (!isObject(value)) return undefined;
  const { id, trail, index, leafHash } = value;
  if (typeof id !== 'string' || id.toLowerCase() !== event.id.toLowerCase()) return undefined;
  if (typeof trail !== 'string' || typeof leafHash !== 'string') return undefined;
  if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0) return undefined;
  return { id, trail, index, leafHash };
}

/** Errors by position. Details lose their position: it is about the batch, which the caller never saw. */
function readRefusals(errors: unknown, count: number): Map<number, SealtrailError> {
  const details = new Map<number, ErrorDetail[]>();
  for (const error of Array.isArray(errors) ? (errors as readonly unknown[]) : []) {
    if (!isObject(error)) continue;
    const { position, pointer } = error;
    if (typeof position !== 'number' || !Number.isInteger(position) || position < 0 || position >= count)
      continue;
    const detail: ErrorDetail = {
      code: readCode(error['code']) ?? 'invalid_event',
      message: readProse(error['message']) ?? errorKinds.invalid_event.title,
      ...(typeof pointer === 'string' && { pointer: pointer.slice(0, MAX_MESSAGE_LENGTH) }),
    };
    const others = details.get(position);
    if (others) others.push(detail);
    else details.set(position, [detail]);
  }
  return new Map(
    Array.from(details, ([position, list]) => {
      const { code, pointer, message } = list[0]!;
      const text = pointer ? `${pointer}: ${message}` : message;
      return [position, new SealtrailError(code, text, { details: list })];
    }),
  );
}

function problemError(status: number, body: Record<string, unknown> | undefined): SealtrailError {
  const code = readCode(body?.['code']) ?? codeOf(status);
  const prose = readProse(body?.['detail']) ?? readProse(body?.['title']) ?? errorKinds[code].title;
  return new SealtrailError(code, `the server answered ${status}: ${prose}`);
}

/** The code for an answer that does not name one: from a proxy, most likely. */
function codeOf(status: number): ErrorCode {
  switch (status) {
    case 401:
      return 'unauthenticated';
    case 403:
      return 'forbidden';
    case 404:
      return 'not_found';
    case 405:
      return 'method_not_allowed';
    case 413:
      return 'body_too_large';
    case 415:
      return 'unsupported_media_type';
    case 408:
    case 425:
    case 429:
    case 503:
      return 'overloaded';
    default:
      if (status >= 500) return 'internal';
      // A redirect is not followed: it could take the token and the events to another host.
      return status >= 300 && status < 400 ? 'invalid_configuration' : 'invalid_body';
  }
}

function notUnderstood(status: number): DeliveryResult {
  return {
    kind: 'unavailable',
    error: new SealtrailError(
      'not_delivered',
      `the answer (${status}) is not what a Sealtrail server gives; check the url and what stands between`,
    ),
  };
}

async function readText(response: Response, maxBytes: number): Promise<string> {
  if (!response.body) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.byteLength;
    // Leaving the loop cancels the body.
    if (length > maxBytes) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readCode(value: unknown): ErrorCode | undefined {
  return typeof value === 'string' && Object.hasOwn(errorKinds, value) ? (value as ErrorCode) : undefined;
}

function readProse(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_MESSAGE_LENGTH) : undefined;
}
