import { SealtrailError } from '../errors.ts';
import { TILE_WIDTH } from './tile.ts';

// Entry bundle of C2SP tlog-tiles: for each entry a 16-bit big-endian length, then its bytes. No header, no trailer.

/** The longest entry that a bundle can carry. */
export const MAX_ENTRY_BYTES = 0xffff;

const LENGTH_BYTES = 2;

/** Where one entry lies in a bundle: bytes [start, end). */
export interface BundleSlice {
  readonly start: number;
  readonly end: number;
}

/** Writes up to 256 entries, in order, as one bundle. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length > TILE_WIDTH)
    throw new SealtrailError(
      'internal',
      `a bundle holds at most ${TILE_WIDTH} entries, got ${entries.length}`,
    );
  let bytes = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES)
      throw new SealtrailError(
        'internal',
        `an entry has at most ${MAX_ENTRY_BYTES} bytes, got ${entry.length}`,
      );
    bytes += LENGTH_BYTES + entry.length;
  }
  const bundle = new Uint8Array(bytes);
  let at = 0;
  for (const entry of entries) {
    bundle[at] = entry.length >>> 8;
    bundle[at + 1] = entry.length & 0xff;
    bundle.set(entry, at + LENGTH_BYTES);
    at += LENGTH_BYTES + entry.length;
  }
  return bundle;
}

/**
 * Where the entries of a bundle lie, in order. The bytes may come from anywhere; they must be used up exactly.
 *
 * @throws SealtrailError `invalid_proof` when a length points past the end or there are more than `maxEntries`
 */
export function bundleSlices(bundle: Uint8Array, maxEntries: number = TILE_WIDTH): BundleSlice[] {
  const slices: BundleSlice[] = [];
  let at = 0;
  while (at < bundle.length) {
    if (slices.length === maxEntries)
      throw invalid(`expected at most ${maxEntries} entries, got ${bundle.length - at} bytes more`);
    const start = at + LENGTH_BYTES;
    if (start > bundle.length) throw invalid(`the length of entry ${slices.length} is cut off`);
    const end = start + ((bundle[at]! << 8) | bundle[at + 1]!);
    if (end > bundle.length)
      throw invalid(`entry ${slices.length} has ${end - start} bytes, got ${bundle.length - start}`);
    slices.push({ start, end });
    at = end;
  }
  return slices;
}

/** The entries of a bundle as views into its bytes: see {@link bundleSlices}. */
export function decodeBundle(bundle: Uint8Array, maxEntries: number = TILE_WIDTH): Uint8Array[] {
  return bundleSlices(bundle, maxEntries).map(({ start, end }) => bundle.subarray(start, end));
}

function invalid(message: string): SealtrailError {
  return new SealtrailError('invalid_proof', `not an entry bundle: ${message}`);
}
