/** Beyond so many every second one is given up. */
const maxTimes = 65_536;

/**
 * When something happened lately, each time once: where late events can still change what happened last before a moment. Of
 * more than 65,536 every second one is given up, so that what is said to be last can be the one before it.
 */
export class RecentTimes {
  /** Rising. */
  #times: number[];

  constructor(times: readonly number[] = []) {
    this.#times = [...times];
  }

  add(timeMs: number): void {
    const times = this.#times;
    const last = times[times.length - 1];
    if (last === timeMs) return;
    if (last === undefined || timeMs > last) times.push(timeMs);
    else {
      const at = this.#countBefore(timeMs);
      if (times[at] === timeMs) return;
      times.splice(at, 0, timeMs);
    }
    // Counted from the end, so that the last one stays.
    if (times.length > maxTimes) this.#times = times.filter((_, i) => (times.length - i) % 2 === 1);
  }

  /** The last one before a time. */
  lastBefore(timeMs: number): number | undefined {
    return this.#times[this.#countBefore(timeMs) - 1];
  }

  /** Lets go of those up to a time. */
  forget(untilMs: number): void {
    const first = this.#times[0];
    if (first === undefined || first > untilMs) return;
    const count = this.#countBefore(untilMs);
    this.#times.splice(0, this.#times[count] === untilMs ? count + 1 : count);
  }

  /** Letting go of some takes as long as there are others: whether it is worth it, half of them being up to a time. */
  isStale(untilMs: number): boolean {
    const { length } = this.#times;
    return length > 64 && this.#times[length >> 1]! <= untilMs;
  }

  save(): number[] {
    return [...this.#times];
  }

  #countBefore(timeMs: number): number {
    let [low, high] = [0, this.#times.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#times[middle]! < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
