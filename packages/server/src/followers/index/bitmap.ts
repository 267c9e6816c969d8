/** Entries in one segment: their numbers fit 16 bits, so a set of them is at most 8 KiB. */
export const maxSegmentEntries = 65_536;

const words = maxSegmentEntries / 32;

/** Bytes of a stored set. */
export const bitmapBytes: number = maxSegmentEntries / 8;

/** A set of entry numbers of one segment. */
export class Bitmap {
  readonly #words: Uint32Array = new Uint32Array(words);

  /** The set {0, ..., count - 1}. */
  static upTo(count: number): Bitmap {
    const all = new Bitmap();
    all.#words.fill(0xffffffff, 0, count >>> 5);
    if (count % 32 !== 0) all.#words[count >>> 5] = 2 ** (count % 32) - 1;
    return all;
  }

  has(entry: number): boolean {
    return (this.#words[entry >>> 5]! & (1 << (entry & 31))) !== 0;
  }

  add(entry: number): void {
    this.#words[entry >>> 5]! |= 1 << (entry & 31);
  }

  /** What is in this or in the other, as a new set. */
  or(other: Bitmap): Bitmap {
    const result = new Bitmap();
    for (let i = 0; i < words; i++) result.#words[i] = this.#words[i]! | other.#words[i]!;
    return result;
  }

  /** What is in both, as a new set. */
  and(other: Bitmap): Bitmap {
    const result = new Bitmap();
    for (let i = 0; i < words; i++) result.#words[i] = this.#words[i]! & other.#words[i]!;
    return result;
  }

  /** What is in this and not in the other, as a new set. */
  without(other: Bitmap): Bitmap {
    const result = new Bitmap();
    for (let i = 0; i < words; i++) result.#words[i] = this.#words[i]! & ~other.#words[i]!;
    return result;
  }

  isEmpty(): boolean {
    return this.#words.every((word) => word === 0);
  }

  count(): number {
    let count = 0;
    for (let i = 0; i < words; i++) count += bitsIn(this.#words[i]!);
    return count;
  }

  /** How many entries are in both. */
  countIn(other: Bitmap): number {
    let count = 0;
    for (let i = 0; i < words; i++) count += bitsIn(this.#words[i]! & other.#words[i]!);
    return count;
  }

  /** How many entries lie before each run of 32 numbers, which makes {@link rank} a short count. */
  ranks(): Uint32Array {
    const ranks = new Uint32Array(words);
    let count = 0;
    for (let i = 0; i < words; i++) {
      ranks[i] = count;
      count += bitsIn(this.#words[i]!);
    }
    return ranks;
  }

  /** How many entries are smaller than this one. */
  rank(entry: number, ranks: Uint32Array): number {
    const below = this.#words[entry >>> 5]! & ~(0xffffffff << (entry & 31));
    return ranks[entry >>> 5]! + bitsIn(below);
  }

  /** Entry numbers from the largest down. */
  *descending(): Generator<number> {
    for (let i = words - 1; i >= 0; i--) {
      for (let word = this.#words[i]!; word !== 0; ) {
        const bit = 31 - Math.clz32(word);
        yield i * 32 + bit;
        word = (word & ~(1 << bit)) >>> 0;
      }
    }
  }

  /** Calls `visit` with each entry number, rising. */
  visit(visit: (entry: number) => void): void {
    for (let i = 0; i < words; i++) {
      for (let word = this.#words[i]!; word !== 0; word &= word - 1)
        visit(i * 32 + (31 - Math.clz32(word & -word)));
    }
  }

  /** The bytes for storage, little-endian. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(bitmapBytes);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < words; i++) view.setUint32(i * 4, this.#words[i]!, true);
    return bytes;
  }

  /** Adds a stored bitmap. */
  addBytes(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bitmapBytes);
    for (let i = 0; i < words; i++) this.#words[i]! |= view.getUint32(i * 4, true);
  }
}

function bitsIn(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
