import { reasonOf } from '../errors.ts';
import type { TreeHasher } from '../tree/hash.ts';
import { TILE_WIDTH } from '../tree/tile.ts';
import type { EntryBatch, EntryFacts, InspectEntry, TrailEvidence } from './evidence.ts';
import type { Faults } from './faults.ts';
import { readGuarded } from './guarded.ts';
import type { StoredTile, StoredTiles } from './tiles.ts';

/** What is at an index: the hash of the stored entry, or why there is none. */
export type Leaf = Uint8Array | 'missing' | 'unreadable';

/** The entries of one level-0 tile, as leaf hashes computed from their bytes, beside the stored ones. */
export interface Block {
  /** Number of the tile: the block starts at entry 256·n. Skips where neither entries nor hashes are left. */
  readonly n: number;
  /** 256, fewer only in the last block. */
  readonly leaves: readonly Leaf[];
  /** The stored leaf hashes; undefined where there are none. */
  readonly stored: StoredTile | undefined;
}

/** What blocks are read from and with. */
export interface BlockSource {
  readonly evidence: TrailEvidence;
  readonly hasher: TreeHasher;
  readonly tiles: StoredTiles;
  readonly faults: Faults;
  readonly inspectEntry: InspectEntry | undefined;
  readonly onProgress: ((entries: number) => void) | undefined;
}

/** Reads, inspects and hashes all entries, block by block. Positions are checked, holes are kept as holes. */
export class BlockReader {
  readonly #source: BlockSource;
  #leaves: Leaf[] = [];
  /** What the inspector said of each leaf of the current block. */
  #facts: (EntryFacts | 'none' | undefined)[] = [];
  /** The tile of the current block, where it was needed early. */
  #tile: StoredTile | undefined;
  #size = 0;
  #isCutOff = false;
  /** Receive time of the last entry that is not known to be changed. */
  #receivedAt = '';

  constructor(source: BlockSource) {
    this.#source = source;
  }

  /** Index after the last entry so far. */
  get size(): number {
    return this.#size;
  }

  /** Whether reading failed, so that there may be entries after the last one. */
  get isCutOff(): boolean {
    return this.#isCutOff;
  }

  async *blocks(): AsyncGenerator<Block, undefined> {
    const { evidence, faults, onProgress } = this.#source;
    const batches = readGuarded(
      () => evidence.entries(),
      (error) => {
        this.#isCutOff = true;
        faults.note('entriesCutOff', reasonOf(error));
      },
    );
    for await (const batch of batches) {
      if (!isPlausible(batch)) {
        faults.note('batchInvalid', '');
        continue;
      }
      const end = batch.start + countOf(batch);
      const repeated = Math.max(0, Math.min(this.#size, end) - batch.start);
      if (repeated > 0) faults.at('entryRepeated', batch.start, batch.start + repeated - 1);
      yield* this.#fill('missing', batch.start);
      if ('entries' in batch) yield* this.#read(batch.entries.slice(repeated));
      else if (end > this.#size) {
        faults.at('entryUnreadable', this.#size, end - 1, batch.unreadable);
        yield* this.#fill('unreadable', end);
      }
      onProgress?.(this.#size);
    }
    if (this.#leaves.length > 0) yield await this.#block();
    return undefined;
  }

  async *#read(entries: readonly Uint8Array[]): AsyncGenerator<Block, undefined> {
    for (const entry of entries) {
      this.#facts.push(this.#inspect(entry));
      this.#leaves.push(this.#source.hasher.leafHash(entry));
      this.#size++;
      if (this.#leaves.length === TILE_WIDTH) yield await this.#block();
    }
    return undefined;
  }

  /**
   * Fills up to `end` with holes. The length of a hole is what the evidence claims: where it has not even stored hashes to
   * show for it, whole blocks are passed over, so that a claim alone costs nothing.
   */
  async *#fill(leaf: 'missing' | 'unreadable', end: number): AsyncGenerator<Block, undefined> {
    while (this.#size < end) {
      if (this.#leaves.length === 0 && end - this.#size >= TILE_WIDTH) {
        const tile = await this.#source.tiles.read(0, this.#size / TILE_WIDTH);
        if (typeof tile === 'string') {
          const next = end - (end % TILE_WIDTH);
          if (leaf === 'missing') this.#source.faults.at('entryLost', this.#size, next - 1);
          this.#size = next;
          continue;
        }
        this.#tile = tile;
      }
      this.#facts.push(undefined);
      this.#leaves.push(leaf);
      this.#size++;
      if (this.#leaves.length === TILE_WIDTH) yield await this.#block();
    }
    return undefined;
  }

  async #block(): Promise<Block> {
    const { tiles, faults } = this.#source;
    const leaves = this.#leaves;
    const first = this.#size - leaves.length;
    const tile = this.#tile ?? (await tiles.read(0, first / TILE_WIDTH));
    const stored = typeof tile === 'string' ? undefined : tile;
    this.#judgeContent(first, leaves, stored);
    this.#leaves = [];
    this.#facts = [];
    this.#tile = undefined;
    // A store may keep the leaf hashes of the last block nowhere but in the entries themselves.
    const width = stored?.width ?? 0;
    if (tiles.present && tile !== 'unreadable' && leaves.length === TILE_WIDTH && width < TILE_WIDTH)
      faults.at('tileMissing', first + width, this.#size - 1);
    return { n: first / TILE_WIDTH, leaves, stored };
  }

  #inspect(entry: Uint8Array): EntryFacts | 'none' | undefined {
    const { inspectEntry } = this.#source;
    if (inspectEntry === undefined) return undefined;
    try {
      return inspectEntry(entry, this.#size) ?? 'none';
    } catch {
      // An inspector may throw on bytes that are no entry: the same verdict.
      return 'none';
    }
  }

  /**
   * Judges what entries say of themselves. Bytes that are not those of the stored leaf hash say nothing: they would
   * turn a changed byte in a receive time into a changed order, and blame the entry behind it.
   */
  #judgeContent(first: number, leaves: readonly Leaf[], stored: StoredTile | undefined): void {
    const { evidence, faults } = this.#source;
    for (const [i, facts] of this.#facts.entries()) {
      if (facts === undefined) continue;
      const hasHash = stored !== undefined && i < stored.width;
      if (hasHash && !stored.matches(i, leaves[i] as Uint8Array)) continue;
      if (facts === 'none') {
        faults.at('contentUnreadable', first + i);
        continue;
      }
      if (facts.trail !== evidence.name) faults.at('contentOtherTrail', first + i);
      if (facts.receivedAt < this.#receivedAt) faults.at('contentTimeBack', first + i);
      this.#receivedAt = facts.receivedAt;
    }
  }
}

/** Whether a batch lies within the indexes that there can be. */
function isPlausible(batch: EntryBatch): boolean {
  const count = countOf(batch);
  const numbers = [batch.start, count, batch.start + count];
  return numbers.every((number) => Number.isSafeInteger(number) && number >= 0);
}

function countOf(batch: EntryBatch): number {
  return 'entries' in batch ? batch.entries.length : batch.count;
}
