import { RE2JS } from 're2js';

/** Names that are looked for in texts, in any case: no letter or digit before them, and no letter behind. */
export class WordList {
  readonly #anywhere: RE2JS;
  readonly #first: RE2JS;

  constructor(words: readonly string[]) {
    // Of several at one place the longest counts.
    const longestFirst = words.toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1));
    const any = longestFirst.map((word) => RE2JS.quote(word)).join('|');
    this.#anywhere = RE2JS.compile(`(?:^|[^a-z0-9])(${any})(?:[^a-z]|$)`, RE2JS.CASE_INSENSITIVE);
    this.#first = RE2JS.compile(`^(${any})(?:[^a-z]|$)`, RE2JS.CASE_INSENSITIVE);
  }

  /** The first one in a text, in lower case. */
  find(text: string): string | undefined {
    return found(this.#anywhere, text);
  }

  /** The one that a text begins with. */
  findFirst(text: string): string | undefined {
    return found(this.#first, text);
  }
}

function found(expression: RE2JS, text: string): string | undefined {
  if (!expression.test(text)) return undefined;
  const matcher = expression.matcher(text);
  return matcher.find() ? matcher.group(1)!.toLowerCase() : undefined;
}
