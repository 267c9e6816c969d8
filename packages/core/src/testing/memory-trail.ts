import { signCheckpoint } from '../checkpoint/checkpoint.ts';
import { generateKey } from '../checkpoint/key.ts';
import { createSigner, type NoteSigner } from '../checkpoint/note.ts';
import { rootAt } from '../tree/proof.ts';
import { TILE_WIDTH } from '../tree/tile.ts';
import type { EntryBatch, StoredCheckpoint, StoreFault, TrailEvidence } from '../verify/evidence.ts';
import { MemoryTree } from './memory-tree.ts';

export const ORIGIN = 'audit.example/main';
export const logKey: ReturnType<typeof generateKey> = generateKey(ORIGIN, new Uint8Array(32).fill(1));
export const logSigner: NoteSigner = createSigner(logKey.skey);

const encoder = new TextEncoder();

/** Canonical bytes of an entry: enough of one for verification. */
export function entryBytes(i: number, fields: { trail?: string; receivedAt?: string } = {}): Uint8Array {
  const { trail = 'main', receivedAt = new Date(1_767_225_600_000 + i).toISOString() } = fields;
  return encoder.encode(JSON.stringify({ id: i, receivedAt, trail }));
}

/**
 * A trail as a store holds it, every part of it open to be tampered with. It is built by the real tree and checkpoint
 * code; what is changed afterwards stays changed.
 */
export class MemoryTrail {
  name = 'main';
  origin = ORIGIN;
  vkey = logKey.vkey;
  entries: Uint8Array[] = [];
  /** By `<level>/<n>`. */
  tiles = new Map<string, Uint8Array>();
  checkpoints: StoredCheckpoint[] = [];
  published: string | undefined;
  remembered: string | undefined;
  faults: StoreFault[] | undefined;
  /** Instead of all entries in bundles of 256. */
  batches: EntryBatch[] | undefined;
  /** False for evidence without hash tiles. */
  hasTiles = true;

  /** @param checkpointSizes sizes at which the log published, the last of them apart from the log too */
  constructor(
    size: number,
    checkpointSizes: readonly number[],
    signers: readonly NoteSigner[] = [logSigner],
  ) {
    this.entries = Array.from({ length: size }, (_, i) => entryBytes(i));
    const tree = this.rebuildTiles();
    this.checkpoints = checkpointSizes.map((at) => ({ size: at, note: noteAt(tree, at, signers) }));
    this.published = this.checkpoints.at(-1)?.note;
  }

  /** The tree over the entries as they are now. */
  tree(): MemoryTree {
    const tree = new MemoryTree();
    for (const entry of this.entries) tree.append(entry);
    return tree;
  }

  /** Writes all tiles again from the entries as they are now: what a thorough forger does. */
  rebuildTiles(): MemoryTree {
    const tree = this.tree();
    this.tiles.clear();
    for (let level = 0, hashes = tree.size; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH))
      for (let n = 0; n * TILE_WIDTH < hashes; n++) this.tiles.set(`${level}/${n}`, tree.tile(level, n));
    return tree;
  }

  /** Flips a bit of hash `i` of a stored tile. */
  flipHash(level: number, n: number, i: number): void {
    this.tiles.get(`${level}/${n}`)![32 * i]! ^= 1;
  }

  /** Bundles of entries [from, to). */
  bundles(from = 0, to: number = this.entries.length): EntryBatch[] {
    const batches: EntryBatch[] = [];
    for (let start = from; start < to; start = TILE_WIDTH * (Math.floor(start / TILE_WIDTH) + 1)) {
      const end = Math.min(to, TILE_WIDTH * (Math.floor(start / TILE_WIDTH) + 1));
      batches.push({ start, entries: this.entries.slice(start, end) });
    }
    return batches;
  }

  evidence(): TrailEvidence {
    const { name, origin, vkey, published, remembered, tiles, checkpoints, faults } = this;
    const batches = this.batches ?? this.bundles();
    return {
      name,
      origin,
      vkey,
      entries: () => each(batches),
      checkpoints: () => each(checkpoints),
      ...(this.hasTiles ? { tile: async (level: number, n: number) => tiles.get(`${level}/${n}`) } : {}),
      ...(published === undefined ? {} : { published }),
      ...(remembered === undefined ? {} : { remembered }),
      ...(faults === undefined ? {} : { storeFaults: () => each(faults) }),
    };
  }
}

/** A signed checkpoint of a tree at a size. */
export function noteAt(
  tree: MemoryTree,
  size: number,
  signers: readonly NoteSigner[] = [logSigner],
  origin: string = ORIGIN,
): string {
  return signCheckpoint({ origin, size, root: rootAt(size, tree.getNode, tree.hasher) }, signers);
}

export async function* each<T>(items: readonly T[]): AsyncGenerator<T, undefined> {
  yield* items;
  return undefined;
}
