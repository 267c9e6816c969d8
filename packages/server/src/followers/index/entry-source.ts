import { compileFilter, type Entry, type Filter, type Matcher, phraseHint } from '@sealtrail/core';
import type { LogReader } from '../../ports.ts';

/** Entries in a bundle of the log. */
const bundle = 256;
const decoder = new TextDecoder();

/** Entries of a trail, read one by one, a bundle at a time: neighbours cost one read. */
export class EntrySource {
  readonly #log: LogReader;
  readonly #trail: string;
  readonly #size: number;
  readonly #matches: Matcher;
  readonly #mayMatch: ((text: string) => boolean) | undefined;
  #start = -1;
  #entries: readonly Uint8Array[] = [];
  /** Entries judged so far. */
  judged = 0;

  /** @param size entries of the trail that may be read */
  constructor(log: LogReader, trail: string, size: number, filter: Filter) {
    this.#log = log;
    this.#trail = trail;
    this.#size = size;
    this.#matches = compileFilter(filter);
    this.#mayMatch = phraseHint(filter);
  }

  /** The canonical text of an entry. */
  text(index: number): string {
    const start = index - (index % bundle);
    if (start !== this.#start) {
      this.#entries = this.#log.entries(this.#trail, start, Math.min(start + bundle, this.#size));
      this.#start = start;
    }
    return decoder.decode(this.#entries[index - start]!);
  }

  entry(index: number): Entry {
    return JSON.parse(this.text(index)) as Entry;
  }

  /** Whether the filter finds an entry, given its text. */
  judge(text: string): boolean {
    this.judged++;
    if (this.#mayMatch && !this.#mayMatch(text)) return false;
    return this.#matches(JSON.parse(text) as Entry);
  }
}
