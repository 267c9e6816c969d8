import { createHash } from 'node:crypto';

/** Lines that are remembered, twice: those of late, and those before. */
const perGeneration = 65_536;
/** What one of them is accounted for. */
const bytesPerLine = 96;

/**
 * Counts lines that are alike. Such lines happened in the same second, and so stand near each other: only those of late are
 * remembered. What a line's number is follows from the lines before it in its input alone, so that the same input gives
 * the same numbers again.
 */
export class LineOrdinals {
  readonly #hold: (bytes: number) => void;
  #recent: Map<string, number> = new Map();
  #older: ReadonlyMap<string, number> = new Map();

  /** @param hold told of the memory that it takes, as it takes more */
  constructor(hold: (bytes: number) => void = () => {}) {
    this.#hold = hold;
  }

  /** How many lines like it came before. */
  next(line: string): number {
    const key = createHash('sha256').update(line).digest('latin1').slice(0, 16);
    const known = this.#recent.get(key);
    const ordinal = known ?? this.#older.get(key) ?? 0;
    this.#recent.set(key, ordinal + 1);
    if (known === undefined) {
      if (this.#older.size === 0) this.#hold(bytesPerLine);
      if (this.#recent.size >= perGeneration) {
        if (this.#older.size === 0) this.#hold(bytesPerLine * perGeneration);
        this.#older = this.#recent;
        this.#recent = new Map();
      }
    }
    return ordinal;
  }
}
