/** Time as the client sees it. Injectable, so that tests decide when time passes. */
export interface Clock {
  /** Wall clock in milliseconds since 1970, for event times and ids. */
  now(): number;
  /** Milliseconds that never go back, for durations and deadlines. */
  monotonic(): number;
  /**
   * Resolves after `ms` milliseconds, or at once when the signal is aborted; never rejects. It keeps the process alive:
   * what waits to be delivered must not be lost because nothing else was going on.
   */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** `length` random bytes, for ids and for the jitter of retries. */
export type RandomBytes = (length: number) => Uint8Array;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      // setTimeout may fire a fraction of a millisecond early: rounding up spares the caller a second, tiny sleep.
      const timer = setTimeout(end, Math.ceil(ms));
      signal.addEventListener('abort', end);
    }),
};

export const systemRandom: RandomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));
