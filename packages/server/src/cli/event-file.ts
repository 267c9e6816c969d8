import { eventLimits } from '@sealtrail/core';
import { deterministicId } from '../access/deterministic-id.ts';

/** An event on a line of its own, as it is written there. */
export interface EventLine {
  /** From 1, blank lines counted. */
  readonly number: number;
  readonly bytes: Buffer;
}

/** Events that go into one request. */
const maxBatchEvents = 1000;
const maxBatchBytes = 1024 * 1024;
/** How long what has come waits for more, of an input that never ends for instance. */
export const lingerMs = 200;
/** What is longer, any server refuses; so much of it is enough to be refused. */
const maxLineBytes = 2 * eventLimits.entryBytes + 1;

const LINE_FEED = 0x0a;

/**
 * The lines of an input in batches, each of bounded size, and each sent on when no more comes for a moment. Blank lines
 * are passed over.
 *
 * @throws what the chunks throw; the reason of the signal, also while nothing comes
 */
export async function* eventBatches(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<readonly EventLine[]> {
  const input = linesOf(chunks);
  let next = input.next();
  let batch: EventLine[] = [];
  let bytes = 0;
  for (;;) {
    const found = await soon(next, signal, batch.length > 0 ? lingerMs : undefined);
    if (found?.done) break;
    for (const line of found?.value ?? []) {
      if (batch.length >= maxBatchEvents || (bytes > 0 && bytes + line.bytes.length > maxBatchBytes)) {
        yield batch;
        [batch, bytes] = [[], 0];
      }
      batch.push(line);
      bytes += line.bytes.length;
    }
    if (found) next = input.next();
    else {
      yield batch;
      [batch, bytes] = [[], 0];
    }
  }
  if (batch.length > 0) yield batch;
}

/** What comes, or undefined when it does not come in time. @throws the reason of the signal */
export async function soon<T>(
  coming: Promise<T>,
  signal: AbortSignal,
  waitMs: number | undefined,
): Promise<T | undefined> {
  const ended = Promise.withResolvers<undefined>();
  const onAbort = (): void => ended.reject(signal.reason as Error);
  signal.throwIfAborted();
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = waitMs === undefined ? undefined : setTimeout(ended.resolve, waitMs, undefined);
  try {
    return await Promise.race([coming, ended.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    // Where the signal has won, nobody waits for what comes any more.
    coming.catch(() => {});
  }
}

/** The lines that each chunk completes. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly EventLine[]> {
  let pieces: Buffer[] = [];
  let length = 0;
  let number = 1;
  const add = (piece: Buffer): void => {
    const room = Math.max(0, maxLineBytes - length);
    if (room > 0) pieces.push(piece.subarray(0, room));
    length += piece.length;
  };
  const take = (): EventLine[] => {
    const line = { number: number++, bytes: Buffer.concat(pieces) };
    [pieces, length] = [[], 0];
    return line.bytes.every(isSpace) ? [] : [line];
  };
  for await (const bytes of chunks) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const lines: EventLine[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      add(chunk.subarray(start, end));
      lines.push(...take());
      start = end + 1;
    }
    add(chunk.subarray(start));
    yield lines;
  }
  yield take();
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d;

/**
 * A line with an id, so that it can be sent again and is stored once: its own, or one that follows from the run, the
 * line and its number. Otherwise the text stays as it is, and is for the server to judge.
 */
export function withId({ number, bytes }: EventLine, run: string): Buffer {
  const text = bytes.toString('utf8');
  const keys = keysOf(text);
  if (keys === undefined || keys.includes('id')) return bytes;
  const id = deterministicId(`record ${run} ${number} ${text}`);
  const start = bytes.indexOf('{') + 1;
  const member = Buffer.from(`"id":"${id}"${keys.length > 0 ? ',' : ''}`);
  return Buffer.concat([bytes.subarray(0, start), member, bytes.subarray(start)]);
}

/** The keys of a JSON object; undefined where the text is none. */
function keysOf(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.keys(value)
      : undefined;
  } catch {
    return undefined;
  }
}
