import type { Disagreement } from './compare.ts';
import type { Faults } from './faults.ts';
import { Spans } from './spans.ts';

/** Disagreements between entries and stored hashes that the next signed root will decide. */
export class Pending {
  // To blame if the entries are right:
  readonly #hashes = new Spans();
  // To blame if the stored leaf hashes are right:
  readonly #changed = new Spans();
  readonly #displaced = new Spans();
  readonly #lost = new Spans();
  readonly #upperHashes = new Spans();
  // Disagrees with both:
  readonly #stray = new Spans();

  /** An entry and its stored leaf hash disagree. */
  addLeaf({ index, lost, instead }: Disagreement): void {
    this.#hashes.add(index);
    (instead === 'changed' ? this.#changed : this.#displaced).add(index);
    if (lost && instead === 'elsewhere') this.#lost.add(index);
  }

  /** A stored hash above the leaves disagrees with one of the trees, or both, over entries first to last. */
  addUpper(first: number, last: number, fitsEntries: boolean, fitsTiles: boolean): void {
    if (!fitsEntries) this.#hashes.add(first, last);
    if (!fitsTiles) this.#upperHashes.add(first, last);
    if (!fitsEntries && !fitsTiles) this.#stray.add(first, last);
  }

  /** A signed root has told which side is right: the other one was changed. */
  settle(right: 'entries' | 'tiles', faults: Faults): void {
    if (right === 'entries') faults.over('tileModified', this.#hashes);
    else {
      faults.over('entryModified', this.#changed);
      faults.over('entryDisplaced', this.#displaced);
      faults.over('entryGone', this.#lost);
      faults.over('tileModified', this.#upperHashes);
    }
    for (const spans of [
      this.#hashes,
      this.#changed,
      this.#displaced,
      this.#lost,
      this.#upperHashes,
      this.#stray,
    ])
      spans.clear();
  }

  /** No signed root is left to tell. */
  leaveOpen(faults: Faults): void {
    faults.over('entryUndecided', this.#changed);
    faults.over('entryUndecided', this.#displaced);
    faults.over('tileUndecided', this.#stray);
  }
}
