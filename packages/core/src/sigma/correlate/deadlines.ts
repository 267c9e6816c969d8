/** Things to be seen to at a time: the earliest first (a binary heap). Of equal times any may be first. */
export class Deadlines<T> {
  readonly #times: number[] = [];
  readonly #items: T[] = [];

  /** The earliest time; infinite when there is none. */
  get firstMs(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  add(atMs: number, item: T): void {
    let at = this.#times.length;
    this.#times.push(atMs);
    this.#items.push(item);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#times[above]! <= atMs) break;
      this.#times[at] = this.#times[above]!;
      this.#items[at] = this.#items[above]!;
      at = above;
    }
    this.#times[at] = atMs;
    this.#items[at] = item;
  }

  /** Takes out the earliest. */
  take(): { readonly atMs: number; readonly item: T } | undefined {
    const [atMs, item] = [this.#times[0], this.#items[0]];
    if (atMs === undefined) return undefined;
    const [lastMs, last] = [this.#times.pop()!, this.#items.pop()!];
    const size = this.#times.length;
    if (size > 0) {
      let at = 0;
      for (let below = 1; below < size; below = 2 * at + 1) {
        if (below + 1 < size && this.#times[below + 1]! < this.#times[below]!) below++;
        if (this.#times[below]! >= lastMs) break;
        this.#times[at] = this.#times[below]!;
        this.#items[at] = this.#items[below]!;
        at = below;
      }
      this.#times[at] = lastMs;
      this.#items[at] = last;
    }
    return { atMs, item: item as T };
  }
}
