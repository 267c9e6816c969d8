import type { ErrorCode } from '@sealtrail/core';
import { type Piece, type Splitter, shownBytes } from './pieces.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** The beginning of an envelope: `{"Records":[`. */
const maxEnvelopeHead = 256;

/** What the bytes to come belong to. */
type State = 'between' | 'value' | 'scalar' | 'tail';

/**
 * Cuts JSON into records, however it is delivered: one object, one a line, one after the other, an array, or the array of
 * an envelope such as `{"Records": [...]}`, which may be of any size. Attacker-controlled input: one pass over the bytes,
 * and no more held than one record.
 *
 * What is broken ends where its line ends, or where a line begins with a brace, as none does within a record: so one
 * broken record does not take the next with it.
 */
export class JsonSplitter implements Splitter {
  readonly #maxBytes: number;
  readonly #envelope: RegExp;
  /** What the elements of an array are in: nothing, an array, or the array of an envelope. */
  #context: 'top' | 'array' | 'envelope' = 'top';
  #state: State = 'between';
  /** Of the value at hand. */
  #pieces: Buffer[] = [];
  #held = 0;
  #start = 0;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** True once a record has stood on a line of its own: then all do. */
  #isLines = false;
  #hasLineFeed = false;
  /** True at the first byte of a line. */
  #isLineStart = true;
  /** Bytes of the input before the chunk at hand. */
  #before = 0;
  #found: Piece[] = [];

  /**
   * @param maxBytes of a record; of larger ones no more is held
   * @param envelopes keys whose array holds the records
   */
  constructor(maxBytes: number, envelopes: readonly string[]) {
    this.#maxBytes = maxBytes;
    const keys = envelopes.map((key) => key.replaceAll(/[^A-Za-z0-9_-]/g, '\\$&')).join('|');
    this.#envelope = new RegExp(`^\\{\\s*"(?:${keys || '$.'})"\\s*:\\s*\\[$`);
  }

  push(chunk: Buffer): readonly Piece[] {
    let at = this.#before === 0 && BYTE_ORDER_MARK.every((byte, i) => chunk[i] === byte) ? 3 : 0;
    /** Where the bytes begin that belong to the value at hand and are not held yet. */
    let from = at;
    for (; at < chunk.length; at++) {
      const byte = chunk[at]!;
      const wasLineStart = this.#isLineStart;
      this.#isLineStart = byte === LINE_FEED;
      // A new record where one is still open: the open one is broken.
      if (wasLineStart && byte === OPEN_BRACE && this.#state !== 'between') {
        this.#giveUp(chunk.subarray(from, at));
        if (this.#state === 'tail') this.#context = 'top';
        this.#state = 'between';
      }
      switch (this.#state) {
        case 'between':
          if (this.#begin(byte)) {
            this.#start = this.#before + at;
            from = at;
          }
          break;
        case 'value':
          if (this.#isInString) {
            if (byte === LINE_FEED) {
              this.#giveUp(chunk.subarray(from, at));
              this.#state = 'between';
            } else this.#inString(byte);
          } else if (byte === QUOTE) this.#isInString = true;
          else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
            this.#depth++;
            if (byte === OPEN_BRACKET && this.#depth === 2 && this.#isEnvelope(chunk.subarray(from, at + 1)))
              from = at + 1;
          } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
            this.#depth--;
            if (this.#depth === 0) {
              this.#complete(chunk.subarray(from, at + 1));
              from = at + 1;
            }
          } else if (byte === LINE_FEED) {
            this.#hasLineFeed = true;
            if (this.#isLines && this.#context === 'top') {
              this.#giveUp(chunk.subarray(from, at));
              this.#state = 'between';
            }
          }
          break;
        case 'scalar':
          if (this.#isInString && byte !== LINE_FEED) this.#inString(byte);
          else if (byte === QUOTE) this.#isInString = true;
          else if (
            byte === LINE_FEED ||
            (this.#context !== 'top' && (byte === COMMA || byte === CLOSE_BRACKET))
          ) {
            this.#giveUp(chunk.subarray(from, at));
            this.#state = 'between';
            if (byte === CLOSE_BRACKET) this.#endArray();
          }
          break;
        case 'tail':
          // What else is in an envelope says nothing of its records.
          if (this.#isInString) this.#inString(byte);
          else if (byte === QUOTE) this.#isInString = true;
          else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#depth++;
          else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --this.#depth === 0) {
            this.#state = 'between';
            this.#context = 'top';
          }
          break;
      }
    }
    if (this.#state === 'value' || this.#state === 'scalar') this.#hold(chunk.subarray(from));
    this.#before += chunk.length;
    return this.#takeFound();
  }

  end(): readonly Piece[] {
    if (this.#state === 'value' || this.#state === 'scalar') this.#giveUp(Buffer.alloc(0));
    else if (this.#state === 'tail' || this.#context !== 'top') {
      this.#start = this.#before;
      this.#fail(Buffer.alloc(0), 'malformed_json', 'expected the end of the array, found that of the input');
    }
    return this.#takeFound();
  }

  #takeFound(): readonly Piece[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  /** Looks at a byte between values; true when it begins one. */
  #begin(byte: number): boolean {
    if (byte === 0x20 || byte === 0x09 || byte === CARRIAGE_RETURN || byte === LINE_FEED) return false;
    if (byte === COMMA) return false;
    if (this.#context !== 'top' && byte === CLOSE_BRACKET) {
      this.#endArray();
      return false;
    }
    if (this.#context === 'top' && byte === OPEN_BRACKET) {
      this.#context = 'array';
      return false;
    }
    const isValue = byte === OPEN_BRACE || byte === OPEN_BRACKET;
    this.#state = isValue ? 'value' : 'scalar';
    this.#depth = isValue ? 1 : 0;
    this.#isInString = byte === QUOTE;
    this.#isEscaped = false;
    this.#hasLineFeed = false;
    return true;
  }

  #inString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isInString = false;
  }

  #endArray(): void {
    if (this.#context === 'envelope') {
      this.#state = 'tail';
      this.#depth = 1;
      this.#isInString = false;
      return;
    }
    this.#context = 'top';
  }

  /** Whether the value at hand turns out to be an envelope, whose records come now. */
  #isEnvelope(rest: Buffer): boolean {
    if (this.#context !== 'top' || this.#held + rest.length > maxEnvelopeHead) return false;
    if (!this.#envelope.test(Buffer.concat([...this.#pieces, rest]).toString('latin1'))) return false;
    this.#forget();
    this.#context = 'envelope';
    this.#state = 'between';
    return true;
  }

  #hold(bytes: Buffer): void {
    const room = Math.max(0, this.#maxBytes - this.#held);
    if (room > 0 && bytes.length > 0) this.#pieces.push(bytes.subarray(0, room));
    this.#held += bytes.length;
  }

  #complete(rest: Buffer): void {
    this.#hold(rest);
    if (this.#context === 'top' && !this.#hasLineFeed) this.#isLines = true;
    const [held, bytes] = [this.#held, Buffer.concat(this.#pieces)];
    this.#forget();
    this.#state = 'between';
    if (held > this.#maxBytes)
      this.#fail(bytes, 'record_too_large', `expected a record of at most ${this.#maxBytes} bytes`);
    else this.#found.push({ offset: this.#start, bytes });
  }

  /** Ends a value that is none. */
  #giveUp(rest: Buffer): void {
    if (this.#state === 'tail') return;
    this.#hold(rest);
    const bytes = withoutLineEnd(Buffer.concat(this.#pieces));
    const isWhole = this.#state === 'scalar' && this.#context !== 'top';
    this.#forget();
    if (isWhole) this.#fail(bytes, 'unknown_record', 'expected a JSON object');
    else this.#fail(bytes, 'malformed_json', 'expected a JSON object');
  }

  #fail(bytes: Buffer, code: ErrorCode, reason: string): void {
    this.#found.push({ offset: this.#start, bytes: bytes.subarray(0, shownBytes), fault: { code, reason } });
  }

  #forget(): void {
    this.#pieces = [];
    this.#held = 0;
    this.#isInString = false;
    this.#isEscaped = false;
  }
}

/** Where a value is ended by the line after it, the end of its own line is none of it. */
function withoutLineEnd(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === LINE_FEED || bytes[end - 1] === CARRIAGE_RETURN)) end--;
  return bytes.subarray(0, end);
}
