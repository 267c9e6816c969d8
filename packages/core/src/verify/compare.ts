import { TILE_WIDTH } from '../tree/tile.ts';
import type { Block } from './blocks.ts';

/** A place where entry and stored leaf hash disagree, explained on the assumption that the stored hash is right. */
export interface Disagreement {
  readonly index: number;
  /** No entry nearby has the signed hash of this index: its entry is lost. */
  readonly lost: boolean;
  /** What is there instead: `changed` bytes, bytes from `elsewhere` (another index, or none), or `nothing`. */
  readonly instead: 'changed' | 'elsewhere' | 'nothing';
}

/**
 * Explains where entries and stored leaf hashes of a block disagree by looking for each of them nearby: in the block and in
 * its neighbours. Taking an entry out or putting one in shifts those that follow, an exchange moves two; only what
 * is found nowhere was changed or lost.
 */
export function explain(previous: Block | undefined, block: Block, next: Block | undefined): Disagreement[] {
  const { stored } = block;
  if (stored === undefined || agrees(block)) return [];
  const signed = new Set<string>();
  const present = new Set<string>();
  for (const near of [previous, block, next]) {
    for (const leaf of near?.leaves ?? []) if (typeof leaf !== 'string') present.add(keyOf(leaf));
    for (let i = 0; i < (near?.stored?.width ?? 0); i++) signed.add(keyOf(near!.stored!.hash(i)!));
  }
  const disagreements: Disagreement[] = [];
  for (const [i, leaf] of block.leaves.entries()) {
    const hash = stored.hash(i);
    if (hash === undefined) break;
    const index = block.n * TILE_WIDTH + i;
    const lost = !present.has(keyOf(hash));
    if (leaf === 'missing') disagreements.push({ index, lost, instead: 'nothing' });
    else if (leaf !== 'unreadable' && !stored.matches(i, leaf)) {
      const instead = lost && !signed.has(keyOf(leaf)) ? 'changed' : 'elsewhere';
      disagreements.push({ index, lost, instead });
    }
  }
  return disagreements;
}

function agrees({ leaves, stored }: Block): boolean {
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i]!;
    if (typeof leaf === 'string' || !stored!.matches(i, leaf)) return false;
  }
  return true;
}

/** A hash as a map key. */
function keyOf(hash: Uint8Array): string {
  return String.fromCharCode(...hash);
}
