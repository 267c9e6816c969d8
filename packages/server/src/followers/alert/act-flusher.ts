import type { Act, ActStore } from '../../detection-ports.ts';

/** Acts on their way at a time. */
const actsPerRound = 200;

/**
 * Brings acts that are kept with what they tell of into the trail `system`. Each is there once, also when it was sent
 * twice: its id says which one it is.
 */
export class ActFlusher {
  readonly #store: ActStore;
  readonly #record: (acts: readonly Act[]) => Promise<void>;
  #running: Promise<void> | undefined;
  #isWanted = false;

  /** @param record resolves when all are durable */
  constructor(store: ActStore, record: (acts: readonly Act[]) => Promise<void>) {
    this.#store = store;
    this.#record = record;
  }

  /** Resolves when everything kept before the call is in the trail. @throws what keeps it from being there */
  flush(): Promise<void> {
    this.#isWanted = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false;
      for (let acts = this.#store.waiting(actsPerRound); acts.length > 0; ) {
        await this.#record(acts.map(({ act }) => act));
        this.#store.remove(acts[acts.length - 1]!.seq);
        acts = this.#store.waiting(actsPerRound);
      }
    }
  }
}
