import type { Bitmap } from './bitmap.ts';

/** How the stored values of a column are written: whole numbers as their distance from the smallest. */
const widths = [
  { bytes: 1, array: Uint8Array },
  { bytes: 2, array: Uint16Array },
  { bytes: 4, array: Uint32Array },
  { bytes: 8, array: Float64Array },
] as const;

const headerBytes = 16;

/**
 * The numbers that entries have in one place, in the order of the entries: any count an entry. Numbers are searched by
 * looking at all of them, which is exact for every double and takes a fraction of a millisecond a segment.
 */
export class NumberColumn {
  #entries: Uint16Array;
  #values: Float64Array | Uint32Array | Uint16Array | Uint8Array;
  #base = 0;
  #count = 0;

  constructor(capacity = 64) {
    this.#entries = new Uint16Array(capacity);
    this.#values = new Float64Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  add(entry: number, value: number): void {
    if (this.#count === this.#entries.length) {
      const [entries, values] = [new Uint16Array(this.#count * 2), new Float64Array(this.#count * 2)];
      entries.set(this.#entries);
      values.set(this.#values);
      this.#entries = entries;
      this.#values = values;
    }
    this.#entries[this.#count] = entry;
    this.#values[this.#count] = value;
    this.#count++;
  }

  valueAt(i: number): number {
    return this.#base + this.#values[i]!;
  }

  /** Adds the entries that have a number which passes. */
  addWhere(into: Bitmap, test: (value: number) => boolean): void {
    const [entries, values, base] = [this.#entries, this.#values, this.#base];
    for (let i = 0; i < this.#count; i++) if (test(base + values[i]!)) into.add(entries[i]!);
  }

  /** The numbers of some entries with their entries; what an entry has twice comes once. */
  *distinctWithin(within: Bitmap): Generator<readonly [entry: number, value: number]> {
    for (let i = 0; i < this.#count; ) {
      const entry = this.#entries[i]!;
      let end = i + 1;
      while (end < this.#count && this.#entries[end] === entry) end++;
      if (within.has(entry)) {
        if (end === i + 1) yield [entry, this.valueAt(i)];
        else for (const value of new Set(this.#values.subarray(i, end))) yield [entry, this.#base + value];
      }
      i = end;
    }
  }

  /** The stored form. */
  toBytes(): Uint8Array {
    const values = this.#values.subarray(0, this.#count);
    const [base, width] = narrowest(values);
    const isDense = this.#entries.subarray(0, this.#count).every((entry, i) => entry === i);
    const { bytes: size, array } = widths[width]!;
    const entryBytes = isDense ? 0 : this.#count * 2;
    const bytes = new Uint8Array(headerBytes + size * this.#count + entryBytes);
    const header = new DataView(bytes.buffer);
    header.setUint8(0, width);
    header.setUint8(1, isDense ? 1 : 0);
    header.setUint32(4, this.#count, true);
    header.setFloat64(8, base, true);
    const stored = new array(bytes.buffer, headerBytes, this.#count);
    for (let i = 0; i < this.#count; i++) stored[i] = values[i]! - base;
    // After the values, whose size is even or one byte each: copied, since it may lie at an odd place.
    const entries = new Uint8Array(this.#entries.buffer, 0, entryBytes);
    bytes.set(entries, headerBytes + size * this.#count);
    return bytes;
  }

  /** Reads the stored form; numbers are in the byte order of this machine, like everything in a rebuildable index. */
  static fromBytes(stored: Uint8Array): NumberColumn {
    // Copied: numbers wider than a byte must lie at a multiple of their size.
    const bytes = new Uint8Array(stored);
    const header = new DataView(bytes.buffer);
    const { bytes: size, array } = widths[header.getUint8(0)]!;
    const column = new NumberColumn(0);
    column.#count = header.getUint32(4, true);
    column.#base = header.getFloat64(8, true);
    column.#values = new array(bytes.buffer, headerBytes, column.#count);
    const at = headerBytes + size * column.#count;
    column.#entries =
      header.getUint8(1) === 1
        ? counting(column.#count)
        : new Uint16Array(bytes.slice(at, at + 2 * column.#count).buffer);
    return column;
  }
}

/** Base and width in which all values are kept exactly. */
function narrowest(
  values: Float64Array | Uint32Array | Uint16Array | Uint8Array,
): readonly [base: number, width: number] {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isSafeInteger(value)) return [0, 3];
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (values.length === 0) return [0, 0];
  const span = max - min;
  return span < 0x100 ? [min, 0] : span < 0x10000 ? [min, 1] : span < 0x100000000 ? [min, 2] : [0, 3];
}

let counted: Uint16Array | undefined;

/** 0, 1, 2, ...: the entries of a column in which each entry has one number. */
function counting(count: number): Uint16Array {
  counted ??= Uint16Array.from({ length: 0x10000 }, (_, i) => i);
  return counted.subarray(0, count);
}
