const asciiSize = 128;
/** Below so many texts, looking for one after the other is faster. */
const fewTexts = 3;

/**
 * Finds which of many texts occur in a text, in one pass over it, whatever their number (Aho and Corasick, 1975). All
 * transitions are in one table, so that a character costs one look.
 */
export class LiteralAutomaton {
  readonly #texts: readonly string[];
  /** Class of a character: 0 for one that no text has. */
  readonly #ascii: Uint16Array = new Uint16Array(asciiSize);
  readonly #others: Map<number, number> = new Map();
  #classes = 1;
  #table: Int32Array = new Int32Array(0);
  /** By state: the text that ends here, and the next state with one that is a suffix; -1 where there is none. */
  #outputs: Int32Array = new Int32Array(0);
  #suffixes: Int32Array = new Int32Array(0);

  /** @param texts different from each other, and none empty */
  constructor(texts: readonly string[]) {
    this.#texts = texts;
    if (texts.length <= fewTexts) return;
    for (const text of texts) for (let i = 0; i < text.length; i++) this.#addClass(text.charCodeAt(i));
    this.#build();
  }

  /** Calls back for every text that occurs, perhaps more than once, by its number. */
  search(text: string, found: (index: number) => void): void {
    if (this.#texts.length <= fewTexts) {
      for (let i = 0; i < this.#texts.length; i++) if (text.includes(this.#texts[i]!)) found(i);
      return;
    }
    const [table, outputs, suffixes, classes] = [this.#table, this.#outputs, this.#suffixes, this.#classes];
    let state = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      const kind = code < asciiSize ? this.#ascii[code]! : (this.#others.get(code) ?? 0);
      state = table[state * classes + kind]!;
      for (let at = outputs[state]! >= 0 ? state : suffixes[state]!; at >= 0; at = suffixes[at]!)
        found(outputs[at]!);
    }
  }

  #addClass(code: number): void {
    if (code < asciiSize) {
      if (this.#ascii[code] === 0) this.#ascii[code] = this.#classes++;
    } else if (!this.#others.has(code)) this.#others.set(code, this.#classes++);
  }

  #classOf(code: number): number {
    return code < asciiSize ? this.#ascii[code]! : this.#others.get(code)!;
  }

  #build(): void {
    const most = 1 + this.#texts.reduce((sum, text) => sum + text.length, 0);
    const classes = this.#classes;
    const table = new Int32Array(most * classes);
    const outputs = new Int32Array(most).fill(-1);
    let states = 1;
    this.#texts.forEach((text, index) => {
      let state = 0;
      for (let i = 0; i < text.length; i++) {
        const at = state * classes + this.#classOf(text.charCodeAt(i));
        if (table[at] === 0) table[at] = states++;
        state = table[at]!;
      }
      outputs[state] = index;
    });
    const suffixes = new Int32Array(states).fill(-1);
    const fails = new Int32Array(states);
    const queue: number[] = [];
    for (let kind = 0; kind < classes; kind++) if (table[kind] !== 0) queue.push(table[kind]!);
    for (let head = 0; head < queue.length; head++) {
      const state = queue[head]!;
      const fail = fails[state]!;
      suffixes[state] = outputs[fail]! >= 0 ? fail : suffixes[fail]!;
      for (let kind = 0; kind < classes; kind++) {
        const next = table[state * classes + kind]!;
        const after = table[fail * classes + kind]!;
        if (next === 0) table[state * classes + kind] = after;
        else {
          fails[next] = after;
          queue.push(next);
        }
      }
    }
    this.#table = table.slice(0, states * classes);
    this.#outputs = outputs.slice(0, states);
    this.#suffixes = suffixes;
  }
}
