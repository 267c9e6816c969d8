import { SealtrailError } from '@sealtrail/core';

export interface MemoryBudgetOptions {
  /** Bytes that all requests may hold together. */
  readonly maxBytes: number;
  /** Bytes that the requests of one holder may hold together: one alone must not keep out all others. */
  readonly maxHolderBytes: number;
}

/**
 * The memory that request bodies take while they arrive. A body that comes slowly, or inflates, is held for as long as
 * its sender likes; what is beyond the budget is refused, and the sender told to come back.
 */
export class MemoryBudget {
  readonly #options: MemoryBudgetOptions;
  readonly #byHolder: Map<string, number> = new Map();
  #held = 0;

  constructor(options: MemoryBudgetOptions) {
    this.#options = options;
  }

  /** Bytes held now. */
  get held(): number {
    return this.#held;
  }

  /** The memory of one request, given back when it is disposed of. */
  open(holder: string): HeldMemory {
    return new HeldMemory((bytes) => this.#hold(holder, bytes));
  }

  #hold(holder: string, bytes: number): void {
    const held = (this.#byHolder.get(holder) ?? 0) + bytes;
    const { maxBytes, maxHolderBytes } = this.#options;
    if (bytes > 0 && (held > maxHolderBytes || this.#held + bytes > maxBytes)) {
      throw new SealtrailError(
        'overloaded',
        'too many request bodies are on their way at once; send them one after the other, or smaller ones',
        { retryAfterSeconds: 1 },
      );
    }
    this.#held += bytes;
    if (held > 0) this.#byHolder.set(holder, held);
    else this.#byHolder.delete(holder);
  }
}

/** What one request holds. */
export class HeldMemory implements Disposable {
  readonly #hold: (bytes: number) => void;
  #bytes = 0;

  constructor(hold: (bytes: number) => void) {
    this.#hold = hold;
  }

  /** @throws SealtrailError overloaded, when the budget has no room for more; nothing is added then */
  add(bytes: number): void {
    this.#hold(bytes);
    this.#bytes += bytes;
  }

  [Symbol.dispose](): void {
    this.#hold(-this.#bytes);
    this.#bytes = 0;
  }
}
