/** Ids in one generation of the window, and those of one batch more; two generations are kept. */
const generationSize = 16_384;

/**
 * The event ids of a trail's latest entries, and the largest id before them. UUIDv7 rise with time, so nearly every new
 * id is larger than all that left the window: it is then known to be new without asking the store.
 */
export class RecentIds {
  #current: Map<string, number> = new Map();
  #previous: Map<string, number> = new Map();
  /** Largest id outside the window, as 16 Latin-1 characters; '' when nothing is. */
  #floor: string;

  /** @param floor the largest id stored so far, or '' */
  constructor(floor: string) {
    this.#floor = floor;
  }

  /** Index of a recent id, 'new' when no entry has it, or 'unknown' when the store must be asked. */
  find(id: string): number | 'new' | 'unknown' {
    const index = this.#current.get(id) ?? this.#previous.get(id);
    if (index !== undefined) return index;
    return id > this.#floor ? 'new' : 'unknown';
  }

  /** Ids in the window. */
  get size(): number {
    return this.#current.size + this.#previous.size;
  }

  add(id: string, index: number): void {
    this.#current.set(id, index);
  }

  /**
   * Lets the oldest ids leave the window when it is full. Only after a commit: the ids of a batch must be found while
   * the store does not have them.
   */
  trim(): void {
    if (this.#current.size < generationSize) return;
    for (const old of this.#previous.keys()) if (old > this.#floor) this.#floor = old;
    this.#previous = this.#current;
    this.#current = new Map();
  }
}
