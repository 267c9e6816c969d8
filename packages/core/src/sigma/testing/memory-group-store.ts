import type { GroupStore, StoredGroup } from '../correlate/group-store.ts';
import type { SavedWindow } from '../correlate/window.ts';

/** Keeps groups as a database would: as text. */
export class MemoryGroupStore implements GroupStore {
  readonly #groups: Map<string, { readonly text: string; readonly untilMs: number }> = new Map();

  get size(): number {
    return this.#groups.size;
  }

  take(rule: string, key: string): SavedWindow | undefined {
    const window = this.peek(rule, key);
    this.#groups.delete(nameOf(rule, key));
    return window;
  }

  peek(rule: string, key: string): SavedWindow | undefined {
    const group = this.#groups.get(nameOf(rule, key));
    return group && (JSON.parse(group.text) as SavedWindow);
  }

  put(rule: string, groups: readonly StoredGroup[]): void {
    for (const { key, window, untilMs } of groups) {
      const name = nameOf(rule, key);
      if (this.#groups.has(name)) throw new Error('there already');
      this.#groups.set(name, { text: JSON.stringify(window), untilMs });
    }
  }

  dropUntil(rule: string, timeMs: number, limit: number): readonly string[] {
    const dropped: string[] = [];
    for (const [name, { untilMs }] of this.#groups) {
      const [of, key] = JSON.parse(name) as [string, string];
      if (of !== rule || untilMs > timeMs || dropped.length >= limit) continue;
      this.#groups.delete(name);
      dropped.push(key);
    }
    return dropped;
  }
}

const nameOf = (rule: string, key: string): string => JSON.stringify([rule, key]);
