import type { Bitmap } from './bitmap.ts';

/**
 * The values of a field that hardly two entries share, by a 32-bit hash. A hash costs six bytes where a term costs forty;
 * two values with one hash only cost a look at the entry.
 */
export class HashColumn {
  #entries: Uint16Array = new Uint16Array(1024);
  #hashes: Uint32Array = new Uint32Array(1024);
  #count = 0;

  add(entry: number, value: string): void {
    if (this.#count === this.#entries.length) {
      const [entries, hashes] = [new Uint16Array(this.#count * 2), new Uint32Array(this.#count * 2)];
      entries.set(this.#entries);
      hashes.set(this.#hashes);
      this.#entries = entries;
      this.#hashes = hashes;
    }
    this.#entries[this.#count] = entry;
    this.#hashes[this.#count] = hashOf(value);
    this.#count++;
  }

  /** Adds the entries that may have a value. */
  addTo(into: Bitmap, value: string): void {
    const wanted = hashOf(value);
    for (let i = 0; i < this.#count; i++) if (this.#hashes[i] === wanted) into.add(this.#entries[i]!);
  }

  /** The stored form, in buckets by the first byte of the hash: 4 bytes of hash and 2 of entry number a value. */
  *buckets(): Generator<readonly [bucket: number, data: Uint8Array]> {
    const buckets: number[][] = [];
    for (let i = 0; i < this.#count; i++) {
      const bucket = this.#hashes[i]! >>> 24;
      buckets[bucket] ??= [];
      buckets[bucket].push(i);
    }
    for (const [bucket, places] of buckets.entries()) {
      if (places === undefined) continue;
      const data = Buffer.allocUnsafe(places.length * 6);
      let at = 0;
      for (const place of places) {
        at = data.writeUInt32LE(this.#hashes[place]!, at);
        at = data.writeUInt16LE(this.#entries[place]!, at);
      }
      yield [bucket, data];
    }
  }
}

/** The bucket that holds a value, if there is one. */
export const bucketOf = (value: string): number => hashOf(value) >>> 24;

/** Adds the entries of a stored bucket that may have a value. */
export function addFromBucket(into: Bitmap, data: Uint8Array, value: string): void {
  const wanted = hashOf(value);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < data.length; at += 6)
    if (view.getUint32(at, true) === wanted) into.add(view.getUint16(at + 4, true));
}

/** FNV-1a over 16-bit units. */
function hashOf(value: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < value.length; i++) hash = Math.imul(hash ^ value.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
