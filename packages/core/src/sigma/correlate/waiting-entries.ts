/** Events that stand close to each other in the log are remembered together: so many in a row. */
const blockSize = 256;

/** Indexes, from and up to but without, of events of which the last one happened at a time. */
interface Block {
  from: number;
  to: number;
  untilMs: number;
}

/**
 * Where the events stand of which something waits for the watermark, so that it can be taken from there again: much less than
 * what waits, of which every correlation has its own. Others may stand among them: what happened after the watermark, and
 * would have to wait, does.
 */
export class WaitingEntries {
  /** By the number of the block. */
  readonly #blocks: Map<number, Block> = new Map();

  add(index: number, timeMs: number): void {
    const number = Math.floor(index / blockSize);
    const block = this.#blocks.get(number);
    if (block === undefined) this.#blocks.set(number, { from: index, to: index + 1, untilMs: timeMs });
    else {
      if (index < block.from) block.from = index;
      if (index >= block.to) block.to = index + 1;
      if (timeMs > block.untilMs) block.untilMs = timeMs;
    }
  }

  /** Takes over what another one knows. */
  join(other: WaitingEntries): void {
    for (const { from, to, untilMs } of other.#blocks.values()) {
      this.add(from, untilMs);
      this.add(to - 1, untilMs);
    }
  }

  /** Ranges of indexes, from and up to but without, by rising index; what has come to its turn by a time is let go of. */
  ranges(watermarkMs: number): (readonly [from: number, to: number])[] {
    for (const [number, { untilMs }] of this.#blocks) if (untilMs <= watermarkMs) this.#blocks.delete(number);
    const ranges: [number, number][] = [];
    for (const { from, to } of [...this.#blocks.values()].sort((a, b) => a.from - b.from)) {
      const last = ranges.at(-1);
      if (last?.[1] === from) last[1] = to;
      else ranges.push([from, to]);
    }
    return ranges;
  }
}
