import { setTimeout as delay } from 'node:timers/promises';
import {
  type ErrorDetail,
  errorKinds,
  type IngestResponse,
  type Receipt,
  SealtrailError,
} from '@sealtrail/core';
import { type EventLine, eventBatches, withId } from './event-file.ts';
import type { ServerApi } from './server-api.ts';

/** What is wrong with one line of a file. Positions count events, from 0. */
export interface LineError extends ErrorDetail {
  readonly line: number;
}

/** What has become of a file so far; it grows, and holds also when recording ends early. */
export interface FileOutcome {
  readonly receipts: Receipt[];
  /** Of lines that were refused while others are stored. */
  readonly errors: LineError[];
}

export interface RecordFileOptions {
  readonly api: Pick<ServerApi, 'json'>;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Ids of events without one follow from it: under the same name, nothing is stored twice. */
  readonly run: string;
  /** Store what is good of each request. */
  readonly isPartial: boolean;
  readonly signal: AbortSignal;
  /** Before the first time that a request is sent again; doubled from one to the next. */
  readonly pauseMs?: number;
}

/** Requests are sent so many times when the server cannot take them at the moment. */
const maxAttempts = 6;
const firstPauseMs = 500;
const longestPauseMs = 30_000;

/**
 * Records a file of any size in requests of bounded size, one after the other, and ends at the first that is refused.
 *
 * @param outcome is added to as requests are answered
 * @throws SealtrailError the code of the first refusal, with lines in `details`; the reason of the signal
 */
export async function recordFile(options: RecordFileOptions, outcome: FileOutcome): Promise<void> {
  const { api, chunks, run, isPartial, signal } = options;
  let position = 0;
  for await (const batch of eventBatches(chunks, signal)) {
    const body = Buffer.concat(batch.flatMap((line) => [withId(line, run), lineFeed]));
    const send = (): Promise<IngestResponse> =>
      api.json<IngestResponse>('POST', 'v1/events', isPartial ? { partial: 'true' } : {}, {
        body,
        headers: { 'content-type': 'application/x-ndjson' },
      });
    const locate = (error: ErrorDetail): LineError => locatedIn(batch, position, error);
    try {
      const { receipts, errors = [] } = await withPatience(send, position > 0, options);
      if (!Array.isArray(receipts) || receipts.length + errors.length !== batch.length) throw notUnderstood();
      outcome.receipts.push(...receipts);
      outcome.errors.push(...errors.map(locate));
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      const details = error.details.map(locate);
      // Without a receipt for any, the server answers with an error, though it takes what is good.
      const refused = new Set(details.map(({ line }) => line));
      if (isPartial && error.status < 500 && refused.size === batch.length) outcome.errors.push(...details);
      else throw failureOf(error, details, batch, options, outcome);
    }
    position += batch.length;
  }
  if (position === 0) throw new SealtrailError('invalid_body', 'expected at least one event');
}

const lineFeed = Buffer.from('\n');

/** Sends a request until the server takes or refuses it. Its events have ids, so that none is stored twice. */
export async function withPatience<T>(
  send: () => Promise<T>,
  hasAnswered: boolean,
  { signal, pauseMs = firstPauseMs }: Pick<RecordFileOptions, 'signal' | 'pauseMs'>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      signal.throwIfAborted();
      // A server that has never answered may not be one: that is told at once.
      const isPassing = hasAnswered || (error instanceof SealtrailError && error.code === 'overloaded');
      if (attempt === maxAttempts || !isPassing || !isRetryable(error)) throw error;
      const pause = Math.min(pauseMs * 2 ** (attempt - 1), longestPauseMs);
      const asked = ((error as SealtrailError).retryAfterSeconds ?? 0) * 1000;
      await delay(Math.max(pause, Math.min(asked, longestPauseMs)), undefined, { signal });
    }
  }
}

const isRetryable = (error: unknown): boolean =>
  error instanceof SealtrailError && 'retryable' in errorKinds[error.code];

/** An error of one request as one of the file. */
function locatedIn(batch: readonly EventLine[], first: number, error: ErrorDetail): LineError {
  const { position = 0 } = error;
  return { ...error, position: first + position, line: (batch[position] ?? batch.at(-1)!).number };
}

/** What a file failed with: which line, what is stored, and how to go on. */
function failureOf(
  error: SealtrailError,
  details: readonly LineError[],
  batch: readonly EventLine[],
  { run }: RecordFileOptions,
  outcome: FileOutcome,
): SealtrailError {
  const [first] = details;
  const [from, to] = [batch[0]!.number, batch.at(-1)!.number];
  const isUnknown = error.status >= 500 && !isNeverSent(error);
  const isBegun = outcome.receipts.length > 0;
  const message = [
    first
      ? `line ${first.line}: ${first.pointer ? `${first.pointer}: ` : ''}${first.message}`
      : error.message,
    ...(isBegun ? [`the lines before ${from} are recorded`] : []),
    ...(isUnknown ? [`of lines ${from} to ${to} it is not known`] : []),
    ...(isBegun || isUnknown ? [howToGoOn(run)] : []),
  ];
  return new SealtrailError(error.code, message.join('; '), { cause: error, details });
}

/** Whether there was not even a connection on which anything could have been stored. */
function isNeverSent(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'].includes(String((cause as NodeJS.ErrnoException).code)))
      return true;
  }
  return false;
}

/** For an answer that does not account for every event. */
export const notUnderstood = (): SealtrailError =>
  new SealtrailError(
    'not_delivered',
    'the answer is not what a Sealtrail server gives; check the url and what stands between',
  );

/** What to do about a file that was recorded in part. */
export const howToGoOn = (run: string): string =>
  `record the file again with --run ${run}, and nothing is stored twice`;
