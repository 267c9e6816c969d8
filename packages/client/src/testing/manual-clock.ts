import type { Clock } from '../clock.ts';

interface Sleeper {
  readonly ms: number;
  readonly due: number;
  readonly wake: () => void;
}

/** A clock that goes only when it is told to. */
export class ManualClock implements Clock {
  #nowMs = Date.UTC(2026, 0, 31, 9, 30);
  readonly #sleepers = new Set<Sleeper>();
  #watchers: { readonly matches: (ms: number) => boolean; readonly resolve: (ms: number) => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        resolve();
      };
      const sleeper = { ms, due: this.#nowMs + ms, wake };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', wake, { once: true });
      this.#watchers = this.#watchers.filter((watcher) => {
        if (watcher.matches(ms)) watcher.resolve(ms);
        return !watcher.matches(ms);
      });
    });
  }

  /** Resolves with the length of a pause that matches, under way or the next one to begin. */
  sleeping(matches: (ms: number) => boolean): Promise<number> {
    for (const { ms } of this.#sleepers) if (matches(ms)) return Promise.resolve(ms);
    return new Promise((resolve) => this.#watchers.push({ matches, resolve }));
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    for (const { due, wake } of [...this.#sleepers]) if (due <= this.#nowMs) wake();
  }
}
