import { CompactRange, type OnNode } from '../tree/compact-range.ts';
import { equalBytes, type TreeHasher } from '../tree/hash.ts';
import { TILE_HEIGHT, TILE_WIDTH } from '../tree/tile.ts';
import type { Block } from './blocks.ts';
import { type Disagreement, explain } from './compare.ts';
import type { Faults } from './faults.ts';
import type { Head, HeadSource, Heads } from './heads.ts';
import { Pending } from './pending.ts';
import { entriesBelow, type NoTile, type StoredTile, type StoredTiles } from './tiles.ts';

/** What the entries and the signed heads said about each other. */
export interface ReplayOutcome {
  /** Largest head that the entries agree with. */
  readonly head: Head | undefined;
  /** Largest such head that satisfies the quorum of the policy. */
  readonly witnessed: Head | undefined;
  /** Where heads came from that cannot be compared, because entries before them are gone with their hashes. */
  readonly incomparable: ReadonlySet<HeadSource>;
  /** The largest head of each source that is beyond the last entry. */
  readonly beyond: ReadonlyMap<HeadSource, number>;
}

interface Trees {
  readonly byEntries: CompactRange;
  byTiles: CompactRange;
}

interface Contradiction {
  readonly smallest: number;
  readonly largest: number;
}

/**
 * Builds the tree again and holds it against every signed head.
 *
 * Two trees grow side by side: one over the entries, one over the stored leaf hashes. Mostly they are one and the same.
 * Where they part, the next signed root tells which is right, and both go on from there, so one bad entry does not
 * hide the next. Where neither is right, entries and hashes were rewritten together.
 */
export class Replay {
  readonly #tiles: StoredTiles;
  readonly #hasher: TreeHasher;
  readonly #heads: Heads;
  readonly #faults: Faults;
  readonly #pending = new Pending();
  /** Undefined once entries are gone together with their hashes; one object twice as long as both sides agree. */
  #trees: Trees | undefined;
  #size = 0;
  #lastBlock: Block | undefined;
  #head: Head | undefined;
  #witnessed: Head | undefined;
  readonly #incomparable = new Set<HeadSource>();
  /** Signed heads that neither tree agreed with, since the last one that did. */
  readonly #contradictions = new Map<HeadSource, Contradiction>();
  /** By level, from 1: the stored tile that the replay is in, and the nodes just completed in either tree. */
  readonly #upperTiles: { readonly n: number; readonly tile: StoredTile | NoTile }[] = [];
  readonly #entryNodes: Uint8Array[] = [];
  readonly #tileNodes: Uint8Array[] = [];

  constructor(hasher: TreeHasher, tiles: StoredTiles, heads: Heads, faults: Faults) {
    this.#hasher = hasher;
    this.#tiles = tiles;
    this.#heads = heads;
    this.#faults = faults;
    const tree = new CompactRange(hasher);
    this.#trees = { byEntries: tree, byTiles: tree };
  }

  /** Adds a block. Its neighbours help to explain what is wrong with it. */
  async add(previous: Block | undefined, block: Block, next: Block | undefined): Promise<void> {
    const first = block.n * TILE_WIDTH;
    const end = first + block.leaves.length;
    if (first !== this.#size) this.#trees = undefined;
    this.#size = end;
    this.#lastBlock = block;
    const heads = await this.#heads.upTo(end);
    for (const [level, index] of completedNodes(end))
      await this.#upperTile(level, Math.floor(index / TILE_WIDTH));
    const disagreements = explain(previous, block, next);
    let h = 0;
    let d = 0;
    for (let i = 0; i < block.leaves.length; i++) {
      for (; heads[h] !== undefined && heads[h]!.size <= first + i; h++) this.#compare(heads[h]!);
      if (disagreements[d]?.index === first + i) this.#note(disagreements[d++]!);
      this.#append(block, i);
    }
    if (block.leaves.length === TILE_WIDTH) this.#compareUpperHashes(end);
    for (const head of heads.slice(h)) this.#compare(head);
  }

  /**
   * Draws the conclusions once all entries are in.
   *
   * @param isEnd whether the last entry is known to be the last: then there is nothing beyond it
   */
  async finish(isEnd: boolean): Promise<ReplayOutcome> {
    for (const head of await this.#heads.upTo(this.#size)) this.#compare(head);
    const beyond = await this.#headsBeyond();
    this.#settleContradictions();
    this.#pending.leaveOpen(this.#faults);
    if (isEnd && this.#tiles.present) await this.#findSurplusHashes();
    return { head: this.#head, witnessed: this.#witnessed, incomparable: this.#incomparable, beyond };
  }

  /**
   * Takes the heads beyond the last entry. Where entries were taken out and later ones moved up, the stored hashes reach
   * further than the entries: as far as such a head, whose root then still tells which entries are wrong.
   */
  async #headsBeyond(): Promise<Map<HeadSource, number>> {
    const beyond = new Map<HeadSource, number>();
    const { leaves = [], stored } = this.#lastBlock ?? {};
    const surplus = this.#trees === undefined ? 0 : (stored?.width ?? 0) - leaves.length;
    if (surplus > 0) {
      const { byTiles } = this.#trees!;
      const tree = new CompactRange(this.#hasher, byTiles.size, byTiles.hashes());
      for (let i = leaves.length; i < leaves.length + surplus; i++) {
        tree.append(stored!.hash(i)!);
        for (const head of await this.#heads.upTo(tree.size)) {
          beyond.set(head.source, head.size);
          if (equalBytes(tree.root(), head.root)) this.#pending.settle('tiles', this.#faults);
        }
      }
    }
    for (const [source, size] of await this.#heads.rest()) beyond.set(source, size);
    return beyond;
  }

  #note(disagreement: Disagreement): void {
    if (disagreement.instead !== 'nothing') this.#pending.addLeaf(disagreement);
    // An empty place whose entry is found nearby is what a shift leaves behind; the shift is noted where the entry is.
    else if (disagreement.lost) this.#faults.at('entryGone', disagreement.index);
  }

  #append(block: Block, i: number): void {
    const leaf = block.leaves[i]!;
    const agrees = typeof leaf !== 'string' && block.stored?.matches(i, leaf) === true;
    const stored = agrees ? leaf : block.stored?.hash(i);
    const entryHash = typeof leaf === 'string' ? stored : leaf;
    if (entryHash === undefined && leaf === 'missing') this.#faults.at('entryLost', block.n * TILE_WIDTH + i);
    // Without one of both there is no telling from here on which tree was signed.
    if (entryHash === undefined) this.#trees = undefined;
    const trees = this.#trees;
    if (entryHash === undefined || trees === undefined) return;
    const tileHash = stored ?? entryHash;
    if (trees.byEntries === trees.byTiles && tileHash !== entryHash)
      trees.byTiles = new CompactRange(this.#hasher, trees.byEntries.size, trees.byEntries.hashes());
    // Only the last entry of a block can complete what tiles above the leaves hold.
    const last = i === TILE_WIDTH - 1;
    trees.byEntries.append(entryHash, last ? keepIn(this.#entryNodes) : undefined);
    if (trees.byTiles !== trees.byEntries)
      trees.byTiles.append(tileHash, last ? keepIn(this.#tileNodes) : undefined);
  }

  #compareUpperHashes(end: number): void {
    if (this.#trees === undefined || !this.#tiles.present) return;
    const { byEntries, byTiles } = this.#trees;
    const tileNodes = byTiles === byEntries ? this.#entryNodes : this.#tileNodes;
    for (const [level, index] of completedNodes(end)) {
      const { tile } = this.#upperTiles[level]!;
      if (tile === 'unreadable') continue;
      const [first, last] = entriesBelow(level, index, index);
      const stored = tile === 'missing' ? undefined : tile.hash(index % TILE_WIDTH);
      if (stored === undefined) this.#faults.at('tileMissing', first, last);
      else {
        const fitsEntries = equalBytes(stored, this.#entryNodes[level]!);
        this.#pending.addUpper(first, last, fitsEntries, equalBytes(stored, tileNodes[level]!));
      }
    }
  }

  #compare(head: Head): void {
    if (this.#trees === undefined) {
      this.#incomparable.add(head.source);
      return;
    }
    const { byEntries, byTiles } = this.#trees;
    if (equalBytes(byEntries.root(), head.root)) this.#agree(head, 'entries', byEntries);
    else if (byTiles !== byEntries && equalBytes(byTiles.root(), head.root))
      this.#agree(head, 'tiles', byTiles);
    else this.#contradict(head);
  }

  #agree(head: Head, right: 'entries' | 'tiles', tree: CompactRange): void {
    this.#pending.settle(right, this.#faults);
    this.#trees = { byEntries: tree, byTiles: tree };
    this.#head = head;
    if (head.judged.quorum.satisfied) this.#witnessed = head;
    // What neither tree agreed with in between was signed too: for another history than this one.
    for (const [source, sizes] of this.#contradictions)
      this.#faults.note(`${source}Forked`, `${describe(sizes)} contradicts the one of size ${head.size}`);
    this.#contradictions.clear();
  }

  #contradict(head: Head): void {
    const { source, size } = head;
    if (size === this.#head?.size)
      this.#faults.note(`${source}Forked`, `there are two of size ${size}, with different roots`);
    else {
      const smallest = this.#contradictions.get(source)?.smallest ?? size;
      this.#contradictions.set(source, { smallest, largest: size });
    }
  }

  /** Signed heads that no later one refutes: so it is the entries that were changed. */
  #settleContradictions(): void {
    const covered = this.#head?.size ?? 0;
    let smallest = Number.POSITIVE_INFINITY;
    for (const [source, sizes] of this.#contradictions) {
      this.#faults.note(`${source}Contradicted`, describe(sizes));
      smallest = Math.min(smallest, sizes.smallest);
    }
    if (this.#contradictions.size > 0)
      this.#faults.at('historyModified', covered, smallest - 1, `size ${smallest}`);
  }

  /** Hashes beyond the last entry are what a log leaves that was cut off. */
  async #findSurplusHashes(): Promise<void> {
    const surplus = (tile: StoredTile | NoTile | undefined, level: number, complete: number): void => {
      const width = typeof tile === 'object' ? tile.width : 0;
      const end = complete - (complete % TILE_WIDTH) + width;
      if (end > complete) this.#faults.at('tileSurplus', ...entriesBelow(level, complete, end - 1));
    };
    let complete = this.#size;
    const isPartial = complete % TILE_WIDTH > 0;
    const tile = isPartial ? this.#lastBlock!.stored : await this.#tiles.read(0, complete / TILE_WIDTH);
    surplus(tile, 0, complete);
    for (let level = 1; complete > 0; level++) {
      complete = Math.floor(complete / TILE_WIDTH);
      surplus(await this.#upperTile(level, Math.floor(complete / TILE_WIDTH)), level, complete);
    }
  }

  async #upperTile(level: number, n: number): Promise<StoredTile | NoTile> {
    const known = this.#upperTiles[level];
    if (known?.n === n) return known.tile;
    const tile = await this.#tiles.read(level, n);
    this.#upperTiles[level] = { n, tile };
    return tile;
  }
}

/** The hashes above the leaves that entry `end - 1` completes, as tile level and index among all of that level. */
function* completedNodes(end: number): Generator<readonly [level: number, index: number], undefined> {
  for (let level = 1, nodes = end / TILE_WIDTH; Number.isInteger(nodes); level++, nodes /= TILE_WIDTH)
    yield [level, nodes - 1];
  return undefined;
}

/** Keeps the nodes that tiles above the leaves hold, by tile level. */
function keepIn(nodes: Uint8Array[]): OnNode {
  return (level, _, hash) => {
    if (level % TILE_HEIGHT === 0) nodes[level / TILE_HEIGHT] = hash;
  };
}

function describe({ smallest, largest }: Contradiction): string {
  return smallest === largest ? `the one of size ${smallest}` : `those of sizes ${smallest} to ${largest}`;
}
