import { type ErrorCode, SealtrailError } from '@sealtrail/core';
import type { LineClock, MapOptions, Mapped, Source } from '@sealtrail/core/sources';
import { z } from 'zod';
import { JsonSplitter } from './json-splitter.ts';
import type { LineOrdinals } from './line-ordinals.ts';
import { LineSplitter } from './line-splitter.ts';
import { type Piece, type Splitter, shownBytes } from './pieces.ts';

/** One record of an input: what maps it, or why it cannot be read. */
export interface RecordInput {
  /** The number of the line, or of the record, from 1. */
  readonly position: number;
  /** Where it begins, in bytes, after decompression. */
  readonly offset: number;
  /** The record as it came, for those who mend it; a long one is cut. */
  readonly text: () => string;
  /** Why it cannot even be read. */
  readonly fault?: { readonly code: ErrorCode; readonly reason: string };
  /** @throws SealtrailError why it is no event */
  readonly map: (options?: MapOptions) => Mapped;
  /** The record as a line of JSON, from which a reader of wrapped lines, or of JSON, makes the same one. */
  readonly portable: () => string;
}

/** What an input is made of: the records of a source, or its lines, each in an object of its own. */
export type InputForm = 'plain' | 'wrapped';

/** Records of all sources are smaller: those of CloudTrail have 256 KiB at most. */
const maxRecordBytes = 1024 * 1024;
/** Longer ones do not fit into an entry. */
const maxLineBytes = 64 * 1024;

/** A line with the number of those like it before it, as whoever has the whole input counts them. */
const wrappedLine = z.strictObject({
  line: z.string().max(maxLineBytes),
  ordinal: z.int().min(0).max(0xffff_ffff).default(0),
});

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** A log has what others sent in it, in whatever encoding: what is no UTF-8 is marked, and the line kept. */
const anyUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Reads one input of a source. */
export class RecordReader {
  readonly #source: Source;
  readonly #clock: LineClock;
  readonly #ordinals: LineOrdinals;
  readonly #splitter: Splitter;
  readonly #read: (piece: Piece) => readonly RecordInput[];
  #records = 0;

  constructor(source: Source, form: InputForm, clock: LineClock, ordinals: LineOrdinals) {
    this.#source = source;
    this.#clock = clock;
    this.#ordinals = ordinals;
    const isJson = source.input === 'json';
    this.#splitter = isJson
      ? new JsonSplitter(maxRecordBytes, source.envelopes)
      : new LineSplitter(form === 'wrapped' ? 2 * maxLineBytes : maxLineBytes);
    this.#read = isJson
      ? (piece) => this.#readJson(piece)
      : form === 'wrapped'
        ? (piece) => [this.#readWrapped(piece)]
        : (piece) => [this.#readLine(piece)];
  }

  /** The records that a chunk completes. */
  push(chunk: Buffer): readonly RecordInput[] {
    return this.#splitter.push(chunk).flatMap(this.#read);
  }

  /** What is left once there is no more. */
  end(): readonly RecordInput[] {
    return this.#splitter.end().flatMap(this.#read);
  }

  #readJson(piece: Piece): readonly RecordInput[] {
    const { offset, bytes, fault } = piece;
    if (fault) return [this.#broken(piece, fault.code, fault.reason, ++this.#records)];
    let text: string;
    try {
      text = utf8.decode(bytes);
    } catch {
      return [this.#broken(piece, 'invalid_utf8', 'expected UTF-8', ++this.#records)];
    }
    try {
      return this.#source.recordsIn(text).map((record): RecordInput => {
        const portable = (): string => JSON.stringify(record);
        return {
          position: ++this.#records,
          offset,
          text: () => portable().slice(0, shownBytes).toWellFormed(),
          map: (options) => this.#source.map(record, options),
          portable,
        };
      });
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      return [this.#broken(piece, error.code, error.message, ++this.#records)];
    }
  }

  #readLine(piece: Piece): RecordInput {
    const { line: position = 0, fault } = piece;
    if (fault) return this.#broken(piece, fault.code, fault.reason, position);
    const line = anyUtf8.decode(piece.bytes);
    return this.#lineOf(piece.offset, position, line, this.#ordinals.next(line));
  }

  #readWrapped(piece: Piece): RecordInput {
    const { line: position = 0, fault } = piece;
    if (fault) return this.#broken(piece, fault.code, fault.reason, position);
    try {
      const { line, ordinal } = wrappedLine.parse(JSON.parse(utf8.decode(piece.bytes)));
      return this.#lineOf(piece.offset, position, line, ordinal);
    } catch {
      return this.#broken(piece, 'malformed_json', 'expected {"line": "...", "ordinal": 0}', position);
    }
  }

  #lineOf(offset: number, position: number, line: string, ordinal: number): RecordInput {
    return {
      position,
      offset,
      text: () => line.slice(0, shownBytes).toWellFormed(),
      map: (options) => this.#source.mapLine(line, ordinal, this.#clock, options),
      portable: () => JSON.stringify({ line: line.toWellFormed(), ordinal }),
    };
  }

  #broken({ offset, bytes }: Piece, code: ErrorCode, reason: string, position: number): RecordInput {
    const text = (): string => anyUtf8.decode(bytes.subarray(0, shownBytes));
    return {
      position,
      offset,
      text,
      fault: { code, reason },
      map: () => {
        throw new SealtrailError(code, reason);
      },
      portable: text,
    };
  }
}
