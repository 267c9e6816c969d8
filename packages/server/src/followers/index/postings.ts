import { Bitmap, bitmapBytes } from './bitmap.ts';

/** Below this many entries a sorted list of 16-bit numbers is smaller than a bitmap: the containers of Roaring. */
const listLimit = bitmapBytes / 2;

/** The stored entries of one term, read when they are needed. */
export class StoredPostings {
  readonly count: number;
  readonly #read: () => Uint8Array;

  constructor(count: number, read: () => Uint8Array) {
    this.count = count;
    this.#read = read;
  }

  addTo(into: Bitmap): void {
    const bytes = this.#read();
    if (this.count >= listLimit) into.addBytes(bytes);
    else for (let i = 0; i < bytes.length; i += 2) into.add(bytes[i]! | (bytes[i + 1]! << 8));
  }

  countIn(within: Bitmap): number {
    const bytes = this.#read();
    if (this.count >= listLimit) {
      const bitmap = new Bitmap();
      bitmap.addBytes(bytes);
      return bitmap.countIn(within);
    }
    let found = 0;
    for (let i = 0; i < bytes.length; i += 2) if (within.has(bytes[i]! | (bytes[i + 1]! << 8))) found++;
    return found;
  }
}

const firstChunk = 4;
const largestChunk = 1024;
/** Words at the start of a chunk: the place of the next one. */
const linkWords = 2;

/** Entries in the chunk that is begun when a term has `count` entries: chunks double, so that few entries waste little. */
function chunkLength(count: number): number {
  let length = firstChunk;
  while (length < count && length < largestChunk) length *= 2;
  return length;
}

/**
 * The rising entry numbers of many terms, in one growing array. Terms are numbers. The first entry of a term is kept with
 * the term, the others in a chain of chunks: a term costs a few bytes and no object, so that millions of postings leave
 * nothing to the garbage collector, and reading them goes along the array.
 */
export class PostingArena {
  #chunks: Uint16Array = new Uint16Array(1 << 16);
  /** Place 0 is none. */
  #used = 1;
  #size = 0;
  #terms = 0;
  #textLength = 0;
  #counts: Uint32Array = new Uint32Array(1 << 12);
  #firsts: Uint16Array = new Uint16Array(1 << 12);
  #lasts: Uint16Array = new Uint16Array(1 << 12);
  /** Place of a term's first chunk, of its last one, of the next entry in that, and of its end. */
  #heads: Uint32Array = new Uint32Array(1 << 12);
  #tails: Uint32Array = new Uint32Array(1 << 12);
  #nexts: Uint32Array = new Uint32Array(1 << 12);
  #ends: Uint32Array = new Uint32Array(1 << 12);

  /** Entry numbers kept, over all terms. */
  get size(): number {
    return this.#size;
  }

  get termCount(): number {
    return this.#terms;
  }

  /** UTF-16 code units of the texts that terms are kept by. */
  get textLength(): number {
    return this.#textLength;
  }

  /** @param text what the caller keeps the term by */
  newTerm(text: string): number {
    this.#textLength += text.length;
    if (this.#terms === this.#counts.length) {
      this.#counts = grown(this.#counts, new Uint32Array(this.#terms * 2));
      this.#firsts = grown(this.#firsts, new Uint16Array(this.#terms * 2));
      this.#lasts = grown(this.#lasts, new Uint16Array(this.#terms * 2));
      this.#heads = grown(this.#heads, new Uint32Array(this.#terms * 2));
      this.#tails = grown(this.#tails, new Uint32Array(this.#terms * 2));
      this.#nexts = grown(this.#nexts, new Uint32Array(this.#terms * 2));
      this.#ends = grown(this.#ends, new Uint32Array(this.#terms * 2));
    }
    return this.#terms++;
  }

  /** Adds an entry, which must not be smaller than those before; the same one twice counts once. */
  add(term: number, entry: number): void {
    const count = this.#counts[term]!;
    if (count === 0) this.#firsts[term] = entry;
    else {
      if (this.#lasts[term] === entry) return;
      let next = this.#nexts[term]!;
      if (next === this.#ends[term]) next = this.#newChunk(term, count);
      this.#chunks[next] = entry;
      this.#nexts[term] = next + 1;
    }
    this.#lasts[term] = entry;
    this.#counts[term] = count + 1;
    this.#size++;
  }

  count(term: number): number {
    return this.#counts[term]!;
  }

  addTo(term: number, into: Bitmap): void {
    this.forEach(term, (entry) => into.add(entry));
  }

  countIn(term: number, within: Bitmap): number {
    let count = 0;
    this.forEach(term, (entry) => {
      if (within.has(entry)) count++;
    });
    return count;
  }

  forEach(term: number, visit: (entry: number) => void): void {
    const count = this.#counts[term]!;
    if (count === 0) return;
    visit(this.#firsts[term]!);
    let chunk = this.#heads[term]!;
    for (let seen = 1; seen < count; ) {
      const length = Math.min(chunkLength(seen), count - seen);
      const start = chunk + linkWords;
      for (let i = start; i < start + length; i++) visit(this.#chunks[i]!);
      seen += length;
      chunk = this.#chunks[chunk]! | (this.#chunks[chunk + 1]! << 16);
    }
  }

  /** The form that {@link StoredPostings} reads. */
  stored(term: number): Uint8Array {
    const count = this.#counts[term]!;
    if (count >= listLimit) {
      const bitmap = new Bitmap();
      this.addTo(term, bitmap);
      return bitmap.toBytes();
    }
    const bytes = Buffer.allocUnsafe(2 * count);
    let at = 0;
    this.forEach(term, (entry) => {
      at = bytes.writeUInt16LE(entry, at);
    });
    return bytes;
  }

  #newChunk(term: number, count: number): number {
    const length = linkWords + chunkLength(count);
    if (this.#used + length > this.#chunks.length)
      this.#chunks = grown(this.#chunks, new Uint16Array(this.#chunks.length * 2));
    const chunk = this.#used;
    this.#used += length;
    const before = this.#tails[term]!;
    if (before === 0) this.#heads[term] = chunk;
    else {
      this.#chunks[before] = chunk;
      this.#chunks[before + 1] = chunk >>> 16;
    }
    this.#tails[term] = chunk;
    this.#ends[term] = chunk + length;
    return chunk + linkWords;
  }
}

function grown<T extends Uint16Array | Uint32Array>(array: T, larger: T): T {
  larger.set(array);
  return larger;
}
