import { Bitmap } from './bitmap.ts';

/** Below this many entries a sorted list of 16-bit numbers is smaller than a bitmap: the containers of Roaring. */
const listLimit = 4096;

/** Stored form of a rising list of entry numbers: 2 bytes each, or a bitmap of 8 KiB. */
export function encodePostings(entries: readonly number[]): Uint8Array {
  if (entries.length < listLimit) return new Uint8Array(Uint16Array.from(entries).buffer);
  const bitmap = new Bitmap();
  for (const entry of entries) bitmap.add(entry);
  return bitmap.toBytes();
}

/** Adds stored postings of `count` entries to a set. */
export function addPostings(into: Bitmap, count: number, data: Uint8Array): void {
  if (count >= listLimit) into.addBytes(data);
  else for (let i = 0; i < data.length; i += 2) into.add(data[i]! | (data[i + 1]! << 8));
}

/** How many of the stored postings are in a set. */
export function countPostings(within: Bitmap, count: number, data: Uint8Array): number {
  if (count >= listLimit) {
    const bitmap = new Bitmap();
    bitmap.addBytes(data);
    return bitmap.countIn(within);
  }
  let found = 0;
  for (let i = 0; i < data.length; i += 2) if (within.has(data[i]! | (data[i + 1]! << 8))) found++;
  return found;
}
