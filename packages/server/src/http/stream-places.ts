import { SealtrailError } from '@sealtrail/core';

/** Streams that are open at the same time. */
export const streamLimits = { all: 64, aToken: 16 } as const;

/** Places for streams, bounded together and by token: one token alone cannot shut out the others. */
export class StreamPlaces {
  readonly #byToken: Map<string, number> = new Map();
  #taken = 0;

  /**
   * Takes a place until the function that it returns is called, once.
   *
   * @throws SealtrailError too_many_streams
   */
  take(tokenId: string): () => void {
    const own = this.#byToken.get(tokenId) ?? 0;
    if (own >= streamLimits.aToken) throw tooMany(`expected at most ${streamLimits.aToken} with one token`);
    if (this.#taken >= streamLimits.all) throw tooMany(`expected at most ${streamLimits.all} in all`);
    this.#byToken.set(tokenId, own + 1);
    this.#taken++;
    return () => this.#free(tokenId);
  }

  #free(tokenId: string): void {
    const own = this.#byToken.get(tokenId)! - 1;
    if (own === 0) this.#byToken.delete(tokenId);
    else this.#byToken.set(tokenId, own);
    this.#taken--;
  }
}

const tooMany = (message: string): SealtrailError =>
  new SealtrailError('too_many_streams', `${message}; end some, or try again later`, {
    retryAfterSeconds: 30,
  });
