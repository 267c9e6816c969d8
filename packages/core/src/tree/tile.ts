import { SealtrailError } from '../errors.ts';
import { HASH_BYTES, type TreeHasher } from './hash.ts';

// Tiles of C2SP tlog-tiles: hash i of tile (level, n) is the root of the complete subtree of height 8·level over
// entries [(n·256+i)·256^level, (n·256+i+1)·256^level). Inner levels of a tile are recomputed, never stored.

/** Tree levels that one tile spans. */
export const TILE_HEIGHT = 8;
/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;

const MAX_LEVEL = 63;

/** What a tile path names. `width` is 256 for a full tile or bundle. */
export type TileResource =
  | { readonly kind: 'hash'; readonly level: number; readonly n: number; readonly width: number }
  | { readonly kind: 'entries'; readonly n: number; readonly width: number };

/** Where a tree node lives: in which tile, and at which level (0 = stored) and position inside it. */
export interface TilePosition {
  readonly level: number;
  readonly n: number;
  readonly nodeLevel: number;
  readonly nodeIndex: number;
}

/** `tile/<level>/<n>[.p/<width>]`, without a leading slash. */
export function tilePath(level: number, n: number, width: number = TILE_WIDTH): string {
  checkCoordinate(level, MAX_LEVEL, 'level');
  return `tile/${level}/${indexPath(n, width)}`;
}

/** `tile/entries/<n>[.p/<width>]`, without a leading slash. */
export function bundlePath(n: number, width: number = TILE_WIDTH): string {
  return `tile/entries/${indexPath(n, width)}`;
}

// Six groups of three digits hold every n up to 2^53-1; the length check bounds the work on hostile paths.
const MAX_PATH_CHARS = 64;
const pathPattern = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/;

/**
 * Reads a path that {@link tilePath} or {@link bundlePath} wrote, and no other spelling of it.
 *
 * @throws SealtrailError `not_found`, also for n above 2^53-1, which no trail here reaches
 */
export function parseTilePath(path: string): TileResource {
  const match = path.length <= MAX_PATH_CHARS ? pathPattern.exec(path) : null;
  if (match !== null) {
    const [, kind, groups, partial] = match;
    const n = Number(groups!.replaceAll(/[x/]/g, ''));
    const width = partial === undefined ? TILE_WIDTH : Number(partial);
    const level = kind === 'entries' ? undefined : Number(kind);
    const inRange = Number.isSafeInteger(n) && width >= 1 && width <= TILE_WIDTH && (level ?? 0) <= MAX_LEVEL;
    // Writing it again refuses leading zeros, needless groups and `.p/256` in one comparison.
    if (inRange && path === (level === undefined ? bundlePath(n, width) : tilePath(level, n, width)))
      return level === undefined ? { kind: 'entries', n, width } : { kind: 'hash', level, n, width };
  }
  throw new SealtrailError(
    'not_found',
    'expected tile/<level>/<index> or tile/entries/<index>, the index in groups of three digits (C2SP tlog-tiles)',
  );
}

/** Hashes that tile (level, n) holds in a tree of `size`: 256 when full, 0 when it does not exist yet. */
export function partialWidth(level: number, n: number, size: number): number {
  const complete = Math.floor(size / TILE_WIDTH ** level);
  return Math.min(Math.max(complete - n * TILE_WIDTH, 0), TILE_WIDTH);
}

/** The tile that holds tree node (level, index), or from whose hashes it is computed. */
export function tileOfNode(level: number, index: number): TilePosition {
  const nodeLevel = level % TILE_HEIGHT;
  const nodesAtLevel = 2 ** (TILE_HEIGHT - nodeLevel);
  return {
    level: Math.floor(level / TILE_HEIGHT),
    n: Math.floor(index / nodesAtLevel),
    nodeLevel,
    nodeIndex: index % nodesAtLevel,
  };
}

/**
 * The hash of tree node (level, index) out of the tile that {@link tileOfNode} names for it.
 *
 * @throws SealtrailError `invalid_proof` when the bytes are no tile or end before the node does
 */
export function hashInTile(
  tile: Uint8Array,
  nodeLevel: number,
  nodeIndex: number,
  hasher: TreeHasher,
): Uint8Array {
  const position = tileOfNode(nodeLevel, nodeIndex);
  const leaves = 2 ** position.nodeLevel;
  const first = position.nodeIndex * leaves;
  if (tile.length % HASH_BYTES !== 0 || tile.length > TILE_WIDTH * HASH_BYTES)
    throw invalid(`a tile is 1 to ${TILE_WIDTH} hashes of ${HASH_BYTES} bytes, got ${tile.length} bytes`);
  if ((first + leaves) * HASH_BYTES > tile.length)
    throw invalid(
      `the node needs hashes ${first} to ${first + leaves - 1} of a tile that has ${tile.length / HASH_BYTES}`,
    );
  return subtreeRoot(tile, first, leaves, hasher);
}

function subtreeRoot(tile: Uint8Array, first: number, leaves: number, hasher: TreeHasher): Uint8Array {
  if (leaves === 1) return tile.slice(first * HASH_BYTES, (first + 1) * HASH_BYTES);
  const half = leaves / 2;
  return hasher.nodeHash(
    subtreeRoot(tile, first, half, hasher),
    subtreeRoot(tile, first + half, half, hasher),
  );
}

function indexPath(n: number, width: number): string {
  checkCoordinate(n, Number.MAX_SAFE_INTEGER, 'index');
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH)
    throw new SealtrailError('internal', `a tile width is 1 to ${TILE_WIDTH}, got ${width}`);
  const digits = String(n);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = padded.replaceAll(/\d{3}(?=\d)/g, 'x$&/');
  return width === TILE_WIDTH ? groups : `${groups}.p/${width}`;
}

function checkCoordinate(value: number, max: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > max)
    throw new SealtrailError('internal', `a tile ${what} is an integer from 0 to ${max}, got ${value}`);
}

function invalid(message: string): SealtrailError {
  return new SealtrailError('invalid_proof', message);
}
