import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';

export interface FollowLoopOptions {
  /** Takes in a piece of a trail that has this size now; true when there is more. What it throws is tried again. */
  readonly step: (trail: string, size: number) => Promise<boolean>;
  /** Told after each slice of work. */
  readonly onSlice: () => void;
  readonly onError: (error: unknown) => void;
  /** Time until a trail that could not be read is tried again. */
  readonly retryMs: number;
}

/** Time for following between two turns of the event loop, so that queries do not wait for it. */
const sliceMs = 8;

/** Takes in what trails have gained, one piece of one trail after the other. A trail that fails rests, the others go on. */
export class FollowLoop implements AsyncDisposable {
  readonly #options: FollowLoopOptions;
  /** Sizes of trails that have more than was taken in. */
  readonly #behind: Map<string, number> = new Map();
  /** Trails of these that could not be read. */
  readonly #resting: Set<string> = new Set();
  /** When these are tried again. */
  #retryAtMs = 0;
  #running: Promise<void> | undefined;
  #alarm: AbortController = new AbortController();
  /** Rejects with the next error. */
  #trouble: PromiseWithResolvers<never> = quietTrouble();
  #isClosed = false;

  constructor(options: FollowLoopOptions) {
    this.#options = options;
  }

  /** Says that a trail has grown. */
  grew(trail: string, size: number): void {
    if (this.#isClosed) return;
    this.#behind.set(trail, size);
    this.#running ??= this.#run();
    this.#alarm.abort();
  }

  /** Makes {@link done} fail, for what goes wrong elsewhere. */
  report(error: unknown): void {
    this.#trouble.reject(error);
    this.#trouble = quietTrouble();
    this.#options.onError(error);
  }

  /**
   * Resolves when everything that was said to be there has been taken in.
   *
   * @throws the first error that happens meanwhile; following goes on all the same
   */
  async done(): Promise<void> {
    while (this.#running !== undefined) await Promise.race([this.#running, this.#trouble.promise]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#alarm.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    await nextTurn();
    let sliceEnd = performance.now() + sliceMs;
    while (this.#behind.size > 0 && !this.#isClosed) {
      if (this.#resting.size > 0 && performance.now() >= this.#retryAtMs) this.#resting.clear();
      const trail = firstWithout(this.#behind, this.#resting);
      if (trail === undefined) {
        this.#options.onSlice();
        await this.#sleep(this.#retryAtMs - performance.now());
        continue;
      }
      await this.#tryStep(trail);
      if (performance.now() >= sliceEnd) {
        this.#options.onSlice();
        await nextTurn();
        sliceEnd = performance.now() + sliceMs;
      }
    }
    this.#options.onSlice();
    // Nothing comes between the last look at what is behind and this line.
    this.#running = undefined;
  }

  async #tryStep(trail: string): Promise<void> {
    const size = this.#behind.get(trail)!;
    this.#behind.delete(trail);
    // At the end of the queue, so that one busy trail does not keep the others waiting. It may have grown meanwhile.
    const again = (): void => {
      if (!this.#behind.has(trail)) this.#behind.set(trail, size);
    };
    try {
      if (await this.#options.step(trail, size)) again();
    } catch (error) {
      if (this.#resting.size === 0) this.#retryAtMs = performance.now() + this.#options.retryMs;
      this.#resting.add(trail);
      again();
      this.report(error);
    }
  }

  /** Ends early when a trail grows. */
  async #sleep(ms: number): Promise<void> {
    this.#alarm = new AbortController();
    // A timer may end a moment before its time.
    await delay(Math.max(1, ms), undefined, { signal: this.#alarm.signal }).catch(() => {});
  }
}

function firstWithout(
  trails: ReadonlyMap<string, number>,
  excluded: ReadonlySet<string>,
): string | undefined {
  for (const trail of trails.keys()) if (!excluded.has(trail)) return trail;
  return undefined;
}

/** A promise that may be rejected without anybody listening. */
function quietTrouble(): PromiseWithResolvers<never> {
  const trouble = Promise.withResolvers<never>();
  trouble.promise.catch(() => {});
  return trouble;
}
