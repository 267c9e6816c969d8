import type { Readable } from 'node:stream';
import { eventLimits, SealtrailError, scanArray, scanWhole, skipSpace, tooLarge } from '@sealtrail/core';
import { decodedChunks, lines, readBody, tooLong } from './body.ts';
import type { IngestOutcome, IntakeRequest } from './intake-request.ts';
import type { HeldMemory } from './memory-budget.ts';

/** Bounds of one request. */
export interface IngestLimits {
  /** Decoded bytes of a JSON body, or of NDJSON that is all or nothing: held in memory until it is stored. */
  readonly maxBodyBytes: number;
  /** Decoded bytes of NDJSON that is stored as it comes. */
  readonly maxStreamBytes: number;
  /** Events in one all-or-nothing request. */
  readonly maxEvents: number;
  /** Events in one NDJSON request that is stored as it comes: it holds their receipts. */
  readonly maxStreamEvents: number;
}

export const defaultIngestLimits: IngestLimits = {
  maxBodyBytes: 16 * 1024 * 1024,
  maxStreamBytes: 256 * 1024 * 1024,
  maxEvents: 10_000,
  maxStreamEvents: 100_000,
};

/** Body formats, by media type. */
export const bodyFormats: Readonly<Record<string, 'json' | 'ndjson'>> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
};

const OPEN_BRACKET = 0x5b;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** One body to take in. */
export interface IngestBody {
  readonly stream: Readable;
  readonly encoding: string | undefined;
  readonly format: 'json' | 'ndjson';
  readonly partial: boolean;
  /** Where the memory that it takes is accounted for; see {@link MemoryBudget}. */
  readonly memory: Pick<HeldMemory, 'add'>;
  /** Ends the reading of a body that has not arrived by then. */
  readonly deadline: AbortSignal;
}

/** What the window of a zstd decoder is accounted for: it takes up to 8 MiB, and mostly as much as the body is long. */
const zstdWindowBytes = 1024 * 1024;
/** What a receipt or an error is accounted for until the request is answered. */
const outcomeBytes = 256;

/**
 * Takes in a request body: one JSON object, a JSON array, or NDJSON.
 *
 * @throws SealtrailError what is wrong with the body, or with an event; nothing has been stored, or it is an
 *   {@link InterruptedIngest}
 */
export async function ingest(
  body: IngestBody,
  request: IntakeRequest,
  limits: IngestLimits = defaultIngestLimits,
): Promise<IngestOutcome> {
  try {
    if (body.encoding?.trim().toLowerCase() === 'zstd') body.memory.add(zstdWindowBytes);
    if (body.format === 'json')
      ingestJson(
        await readBody(
          body.stream,
          body.encoding,
          limits.maxBodyBytes,
          (bytes) => body.memory.add(bytes),
          body.deadline,
        ),
        request,
        limits,
      );
    else await ingestLines(body, request, limits);
    if (request.count === 0) throw new SealtrailError('invalid_body', 'expected at least one event');
    if (body.partial) await request.flush();
  } catch (error) {
    throw request.interruptedBy(error);
  }
  return request.finish();
}

function ingestJson(bytes: Uint8Array, request: IntakeRequest, limits: IngestLimits): void {
  if (BYTE_ORDER_MARK.every((byte, i) => bytes[i] === byte)) {
    throw new SealtrailError('malformed_json', 'expected JSON without a byte order mark');
  }
  const start = skipSpace(bytes, 0);
  if (bytes[start] !== OPEN_BRACKET) {
    request.add(bytes, scanWhole(bytes));
    return;
  }
  try {
    for (const value of scanArray(bytes, start)) {
      assertRoom(request, limits.maxEvents);
      request.add(bytes, value);
    }
  } catch (error) {
    throw at(request.count, error);
  }
}

/** An error in the text between events, with the position of the event that it kept from being read. */
function at(position: number, error: unknown): unknown {
  if (!(error instanceof SealtrailError)) return error;
  const { code, message } = error;
  return new SealtrailError(code, `event ${position}: ${message}`, {
    details: [{ position, code, message }],
  });
}

async function ingestLines(body: IngestBody, request: IntakeRequest, limits: IngestLimits): Promise<void> {
  const maxBytes = body.partial ? limits.maxStreamBytes : limits.maxBodyBytes;
  const maxEvents = body.partial ? limits.maxStreamEvents : limits.maxEvents;
  const chunks = decodedChunks(body.stream, body.encoding, maxBytes, body.deadline);
  for await (const line of lines(body.partial ? chunks : held(chunks, body), 2 * eventLimits.entryBytes)) {
    assertRoom(request, maxEvents);
    if (body.partial) body.memory.add(outcomeBytes);
    if (line === tooLong) request.refuse(tooLarge());
    else request.addLine(line);
    if (request.isFull) await request.flush();
  }
}

/** Chunks of which all that is in them is kept until the request ends. */
async function* held(chunks: AsyncIterable<Buffer>, { memory }: IngestBody): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    memory.add(chunk.length);
    yield chunk;
  }
}

function assertRoom(request: IntakeRequest, maxEvents: number): void {
  if (request.count >= maxEvents)
    throw new SealtrailError('body_too_large', `expected at most ${maxEvents} events in a request`);
}
