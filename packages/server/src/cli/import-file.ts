import { setImmediate as rest } from 'node:timers/promises';
import type { ErrorCode } from '@sealtrail/core';
import {
  type ImportResponse,
  importResponseSchema,
  type LineClock,
  type Source,
} from '@sealtrail/core/sources';
import { LineOrdinals } from '../sources/line-ordinals.ts';
import { PlainChunks } from '../sources/plain-chunks.ts';
import { type RecordInput, RecordReader } from '../sources/record-inputs.ts';
import { lingerMs, soon } from './event-file.ts';
import { notUnderstood, withPatience } from './record-file.ts';
import type { Parameters, ServerApi } from './server-api.ts';

/** A record of a file that did not become an entry. */
export interface DeadLine {
  /** Number of the line, or of the record, in the file; from 1. */
  readonly position: number;
  /** Where it begins, in bytes, after decompression. */
  readonly offset: number;
  readonly code: ErrorCode;
  readonly reason: string;
  readonly text: string;
}

/** What has become of a file so far; it grows, and holds also when the import ends early. */
export interface ImportOutcome {
  accepted: number;
  duplicates: number;
  skipped: number;
  rejected: number;
  /** When the first of those stored happened. */
  earliest: string | null;
}

export interface ImportFileOptions {
  readonly api: Pick<ServerApi, 'json'>;
  readonly source: Source;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly clock: LineClock;
  /** `trail`, `tenant` and `at`, as the server takes them. */
  readonly parameters: Parameters;
  readonly signal: AbortSignal;
  /** Told of each record that did not become an entry, in order within a request. */
  readonly onDead: (line: DeadLine) => void;
  /** Told of how many records have been dealt with; no more are read before it resolves. */
  readonly onProgress: (records: number) => Promise<void>;
  /** Before the first time that a request is sent again; doubled from one to the next. */
  readonly pauseMs?: number;
}

/** Records that go into one request. */
const maxBatchRecords = 1000;
const maxBatchBytes = 1024 * 1024;

/**
 * Imports a file of any size in requests of bounded size, one after the other. Imported again, nothing of it is stored
 * twice.
 *
 * @param outcome is added to as requests are answered
 * @throws SealtrailError malformed_json for gzip that is none to its end, when the records before that are stored; what the
 *   server refuses, or what it does not answer after several attempts; the reason of the signal
 */
export async function importFile(options: ImportFileOptions, outcome: ImportOutcome): Promise<void> {
  const { source, chunks, clock, signal, onDead, onProgress } = options;
  const reader = new RecordReader(source, 'plain', clock, new LineOrdinals());
  let hasAnswered = false;
  for await (const batch of batchesOf(new PlainChunks(chunks), reader, signal)) {
    for (const { position, offset, fault, text } of batch) {
      if (fault === undefined) continue;
      outcome.rejected++;
      onDead({ position, offset, ...fault, text: text() });
    }
    const sent = batch.filter(({ fault }) => fault === undefined);
    if (sent.length > 0) {
      const answer = await send(options, sent, hasAnswered);
      hasAnswered = true;
      outcome.accepted += answer.accepted;
      outcome.duplicates += answer.duplicates;
      outcome.skipped += answer.skipped;
      outcome.rejected += answer.rejected;
      const { earliest } = answer;
      if (earliest !== null && (outcome.earliest === null || earliest < outcome.earliest))
        outcome.earliest = earliest;
      for (const { position, code, reason } of answer.deadLetters) {
        const record = sent[position - 1]!;
        onDead({ position: record.position, offset: record.offset, code, reason, text: record.text() });
      }
    }
    const { accepted, duplicates, skipped, rejected } = outcome;
    await onProgress(accepted + duplicates + skipped + rejected);
  }
}

/** @throws SealtrailError not_delivered, also where the answer does not account for every record */
async function send(
  { api, source, parameters, signal, pauseMs }: ImportFileOptions,
  records: readonly RecordInput[],
  hasAnswered: boolean,
): Promise<ImportResponse> {
  const body = Buffer.from(records.map((record) => `${record.portable()}\n`).join(''));
  const answer = await withPatience(
    () =>
      api.json<unknown>(
        'POST',
        `v1/sources/${source.name}`,
        // What is refused is told to whoever imports the file, who has it.
        { ...parameters, keep: 'false' },
        { body, headers: { 'content-type': 'application/x-ndjson' } },
      ),
    hasAnswered,
    { signal, ...(pauseMs !== undefined && { pauseMs }) },
  );
  const { success, data } = importResponseSchema.safeParse(answer);
  if (!success) throw notUnderstood();
  const total = data.accepted + data.duplicates + data.skipped + data.rejected;
  const isNamed = data.deadLetters.every(({ position }) => position >= 1 && position <= records.length);
  if (total !== records.length || data.deadLetters.length !== data.rejected || !isNamed)
    throw notUnderstood();
  return data;
}

/** Records in batches of bounded size; what has come is sent on when no more comes for a moment. */
async function* batchesOf(
  plain: PlainChunks,
  reader: RecordReader,
  signal: AbortSignal,
): AsyncGenerator<readonly RecordInput[]> {
  const chunks = plain[Symbol.asyncIterator]();
  let next = chunks.next();
  let waiting: readonly RecordInput[] = [];
  let bytes = 0;
  for (;;) {
    const found = await soon(next, signal, waiting.length > 0 ? lingerMs : undefined);
    if (found?.done) break;
    if (found) {
      waiting = waiting.concat(reader.push(found.value));
      bytes += found.value.length;
      next = chunks.next();
      if (waiting.length < maxBatchRecords && bytes < maxBatchBytes) continue;
    }
    yield* cutIn(waiting, signal);
    [waiting, bytes] = [[], 0];
  }
  // What a file that is cut ends with is no whole record.
  yield* cutIn(plain.fault ? waiting : waiting.concat(reader.end()), signal);
  if (plain.fault) throw plain.fault;
}

async function* cutIn(
  records: readonly RecordInput[],
  signal: AbortSignal,
): AsyncGenerator<readonly RecordInput[]> {
  for (let from = 0; from < records.length; from += maxBatchRecords) {
    // A signal is heard between batches also where nothing else is waited for.
    await rest();
    signal.throwIfAborted();
    yield records.slice(from, from + maxBatchRecords);
  }
}
