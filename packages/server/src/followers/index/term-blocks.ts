import { type PostingArena, StoredPostings } from './postings.ts';
import { isCut } from './terms.ts';

/**
 * The terms of a segment file, some dozens a row: a row a term would cost more than all else in the making of a segment.
 * Rows are found by their first value, in the order of JavaScript strings.
 */
const termsPerBlock = 64;
/** Terms with more entries have them in a row of their own, so that blocks stay small. */
const maxInnerCount = 64;

const headerBytes = 8;

/** One row of terms. */
export interface EncodedBlock {
  readonly first: string;
  readonly data: Uint8Array;
}

/**
 * The blocks of the terms of one code.
 *
 * @param terms by rising value
 * @param store keeps the entries of a term apart, and returns where
 */
export function* encodeBlocks(
  terms: readonly (readonly [value: string, term: number])[],
  arena: PostingArena,
  store: (entries: Uint8Array) => number,
): Generator<EncodedBlock> {
  for (let from = 0; from < terms.length; from += termsPerBlock) {
    const block = terms.slice(from, from + termsPerBlock);
    const text = block.map(([value]) => value).join('');
    // One byte a character where that is enough.
    const encoding = /^[\0-\xff]*$/.test(text) ? 'latin1' : 'utf16le';
    const textBytes = Buffer.byteLength(text, encoding);
    const inner = block.map(([, term]) => {
      const entries = arena.stored(term);
      if (arena.count(term) <= maxInnerCount) return entries;
      const place = Buffer.allocUnsafe(4);
      place.writeUInt32LE(store(entries));
      return place;
    });
    const head = Buffer.alloc(headerBytes + 4 * block.length);
    head.writeUInt8(encoding === 'latin1' ? 0 : 1, 0);
    head.writeUInt8(block.some(([value]) => isCut(value)) ? 1 : 0, 1);
    head.writeUInt16LE(block.length, 2);
    head.writeUInt32LE(textBytes, 4);
    block.forEach(([value, term], i) => {
      head.writeUInt16LE(value.length, headerBytes + 4 * i);
      // An entry number has 16 bits, a count of entries one more value: 65,536 is written as 0.
      head.writeUInt16LE(arena.count(term) & 0xffff, headerBytes + 4 * i + 2);
    });
    yield { first: block[0]![0], data: Buffer.concat([head, Buffer.from(text, encoding), ...inner]) };
  }
}

/** A row of terms, read. */
export class TermBlock {
  readonly length: number;
  readonly #data: Buffer;
  readonly #text: string;
  readonly #inner: number;

  constructor(data: Uint8Array) {
    this.#data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.length = this.#data.readUInt16LE(2);
    const start = headerBytes + 4 * this.length;
    this.#inner = start + this.#data.readUInt32LE(4);
    this.#text = this.#data.toString(
      this.#data.readUInt8(0) === 0 ? 'latin1' : 'utf16le',
      start,
      this.#inner,
    );
  }

  /** False when no value that a term stands for has this part. */
  mayContain(part: string): boolean {
    return this.#text.includes(part) || this.#data.readUInt8(1) === 1;
  }

  /**
   * Calls `visit` with each term by rising value, until it returns true.
   *
   * @param load gets entries that are kept apart
   */
  some(
    visit: (value: string, postings: StoredPostings) => boolean,
    load: (place: number) => Uint8Array,
  ): boolean {
    let textAt = 0;
    let innerAt = this.#inner;
    for (let i = 0; i < this.length; i++) {
      const textEnd = textAt + this.#data.readUInt16LE(headerBytes + 4 * i);
      const count = this.#data.readUInt16LE(headerBytes + 4 * i + 2) || 0x10000;
      const innerEnd = innerAt + (count <= maxInnerCount ? 2 * count : 4);
      const at = innerAt;
      const postings = new StoredPostings(count, () =>
        count <= maxInnerCount ? this.#data.subarray(at, innerEnd) : load(this.#data.readUInt32LE(at)),
      );
      if (visit(this.#text.slice(textAt, textEnd), postings)) return true;
      textAt = textEnd;
      innerAt = innerEnd;
    }
    return false;
  }
}

/** The key of a value: bytes whose order is that of JavaScript strings. */
export function blockKey(value: string): Buffer {
  return Buffer.from(value, 'utf16le').swap16();
}

/** A key after those of all values with this prefix. */
export function keyAfter(prefix: string): Buffer {
  const key = blockKey(prefix);
  let length = key.length;
  while (length > 0 && key[length - 1] === 0xff) length--;
  if (length === 0) return Buffer.alloc(512, 0xff);
  key[length - 1]!++;
  return key.subarray(0, length);
}
