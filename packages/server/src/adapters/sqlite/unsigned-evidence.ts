import type { StoreFault } from '@sealtrail/core';

/** Twice the longest time that a server can be told to leave entries unsigned. */
const maxUnsignedMs = 2 * 3_600_000;

/**
 * Holds the entries after the last checkpoint against their receive times: a server signs soon what it takes. It finds
 * later checkpoints that were lost, or taken away for entries that stayed as they were. It bounds no forger, who writes
 * the receive times too: that takes a checkpoint which somebody else has seen.
 */
export class UnsignedEvidence {
  readonly #signedSize: number;
  #firstAt: string | undefined;
  #lastAt = '';
  #lastIndex = 0;

  /** @param signedSize entries that the largest stored or published checkpoint claims to cover */
  constructor(signedSize: number) {
    this.#signedSize = signedSize;
  }

  note(index: number, receivedAt: string): void {
    if (index === this.#signedSize) this.#firstAt = receivedAt;
    this.#lastAt = receivedAt;
    this.#lastIndex = index;
  }

  /** Call it after the last entry. */
  *faults(): Generator<StoreFault, undefined> {
    if (this.#firstAt === undefined) return undefined;
    const unsignedMs = Date.parse(this.#lastAt) - Date.parse(this.#firstAt);
    // Also for what is no time.
    if (!(unsignedMs <= maxUnsignedMs))
      yield {
        check: 'coverage',
        code: 'not_covered',
        firstIndex: this.#signedSize,
        lastIndex: this.#lastIndex,
        count: this.#lastIndex - this.#signedSize + 1,
        message: `No checkpoint covers them, though they were received from ${this.#firstAt} to ${this.#lastAt} and a running server signs within seconds: nothing shows that they are what was recorded.`,
        advice: 'Look for why it could not, or for who removed checkpoints here and in published.db.',
      };
    return undefined;
  }
}
