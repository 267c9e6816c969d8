/** Numbers first to last, both included. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

// A log can be wrong in millions of places. Beyond this many separate ones the last span grows over the gaps.
const MAX_SPANS = 64;

/** A set of indexes that come in roughly rising order, in bounded memory. */
export class Spans {
  #spans: { first: number; last: number }[] = [];
  #count = 0;

  get isEmpty(): boolean {
    return this.#spans.length === 0;
  }

  get first(): number {
    return Math.min(...this.#spans.map(({ first }) => first));
  }

  get last(): number {
    return Math.max(...this.#spans.map(({ last }) => last));
  }

  /** Indexes added. One that was added twice may count twice, yet never beyond what is between first and last. */
  get count(): number {
    return Math.min(this.#count, this.last - this.first + 1);
  }

  add(first: number, last: number = first): void {
    this.#count += last - first + 1;
    const end = this.#spans.at(-1);
    const touches = end !== undefined && first <= end.last + 1 && last >= end.first - 1;
    if (end !== undefined && (touches || this.#spans.length === MAX_SPANS)) {
      end.first = Math.min(end.first, first);
      end.last = Math.max(end.last, last);
    } else this.#spans.push({ first, last });
  }

  addAll(other: Spans): void {
    for (const { first, last } of other.list()) this.add(first, last);
  }

  list(): readonly Span[] {
    return this.#spans;
  }

  clear(): void {
    this.#spans = [];
    this.#count = 0;
  }
}
