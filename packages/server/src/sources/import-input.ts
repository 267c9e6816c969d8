import type { LineClock } from '@sealtrail/core/sources';
import { LineOrdinals } from './line-ordinals.ts';
import { PlainChunks } from './plain-chunks.ts';
import { type InputForm, type RecordInput, RecordReader } from './record-inputs.ts';
import { type ImportCounts, type ImportParts, importRecords } from './source-import.ts';

/** One input that is imported as it comes. */
export interface ImportInput {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly form: InputForm;
  readonly clock: LineClock;
  /** Bytes of the input after decompression. */
  readonly maxBytes: number;
  /** Told of the memory that it takes, as it takes more. @throws SealtrailError overloaded */
  readonly hold: (bytes: number) => void;
  /** Told of what became of some records, once that is durable. */
  readonly onCounts: (counts: ImportCounts) => void;
}

/**
 * Records that are stored together; the sender waits for them: back-pressure. They are mapped at once, some 20 ms, in
 * which nobody else is served.
 */
const recordsAtOnce = 200;
const bytesAtOnce = 256 * 1024;
/** What records that wait, and the one that is arriving, are accounted for. */
const bufferedBytes = 8 * 1024 * 1024;

/**
 * Imports an input of any size, some records after the others.
 *
 * @throws SealtrailError what is wrong with the input as a whole, when the records before it are stored; as {@link importRecords}
 */
export async function importInput(parts: ImportParts, input: ImportInput): Promise<void> {
  const { chunks, form, clock, maxBytes, hold, onCounts } = input;
  hold(bufferedBytes);
  const reader = new RecordReader(parts.source, form, clock, new LineOrdinals(hold));
  const take = async (records: readonly RecordInput[]): Promise<void> => {
    for (let from = 0; from < records.length; from += recordsAtOnce)
      onCounts(await importRecords(parts, records.slice(from, from + recordsAtOnce)));
  };
  let waiting: readonly RecordInput[] = [];
  let bytes = 0;
  const plain = new PlainChunks(chunks, maxBytes);
  for await (const chunk of plain) {
    waiting = waiting.concat(reader.push(chunk));
    bytes += chunk.length;
    if (waiting.length < recordsAtOnce && bytes < bytesAtOnce) continue;
    await take(waiting);
    [waiting, bytes] = [[], 0];
  }
  // What an input that is cut ends with is no whole record.
  await take(plain.fault ? waiting : waiting.concat(reader.end()));
  if (plain.fault) throw plain.fault;
}
