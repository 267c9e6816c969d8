import { type Piece, type Splitter, shownBytes } from './pieces.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Cuts an input into lines, without their ends. Blank lines are passed over, and counted. */
export class LineSplitter implements Splitter {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #length = 0;
  #line = 1;
  #offset = 0;

  /** @param maxBytes of a line; of longer ones no more is held */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): readonly Piece[] {
    const found: Piece[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      this.#add(chunk.subarray(start, end));
      start = end + 1;
      const piece = this.#take();
      if (piece) found.push(piece);
    }
    this.#add(chunk.subarray(start));
    return found;
  }

  end(): readonly Piece[] {
    const piece = this.#take();
    return piece ? [piece] : [];
  }

  #add(bytes: Buffer): void {
    const room = Math.max(0, this.#maxBytes - this.#length);
    if (room > 0 && bytes.length > 0) this.#pieces.push(bytes.subarray(0, room));
    this.#length += bytes.length;
  }

  #take(): Piece | undefined {
    const [length, offset, line] = [this.#length, this.#offset, this.#line++];
    const joined = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#length = 0;
    this.#offset += length + 1;
    const bytes = joined.at(-1) === CARRIAGE_RETURN ? joined.subarray(0, -1) : joined;
    if (length > this.#maxBytes) {
      const reason = `expected a line of at most ${this.#maxBytes} bytes`;
      return {
        offset,
        line,
        bytes: bytes.subarray(0, shownBytes),
        fault: { code: 'record_too_large', reason },
      };
    }
    return bytes.every(isSpace) ? undefined : { offset, line, bytes };
  }
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === CARRIAGE_RETURN;
