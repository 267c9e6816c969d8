import { RE2JS } from 're2js';
import { LiteralAutomaton } from '../sigma/literal-automaton.ts';

/** What stands in a regular expression for nothing but itself. */
const plainText = /^(?:[^\\^$.|?*+()[\]{}]|\\[^A-Za-z0-9])*$/;

/**
 * Many regular expressions of which most are plain text: that is found by one automaton, the others one by one. A name is
 * made of the expression that was found.
 */
export class NamedPatterns {
  readonly #names: readonly string[];
  readonly #automaton: LiteralAutomaton;
  readonly #expressions: readonly { readonly expression: RE2JS; readonly name: string }[];

  constructor(patterns: readonly string[]) {
    const plain = new Map<string, string>();
    const expressions: { expression: RE2JS; name: string }[] = [];
    for (const pattern of patterns) {
      if (plainText.test(pattern)) {
        const text = pattern.replace(/\\(.)/g, '$1');
        plain.set(text, nameOf(text));
      } else expressions.push({ expression: RE2JS.compile(pattern), name: nameOf(pattern) });
    }
    this.#names = [...plain.values()];
    this.#automaton = new LiteralAutomaton([...plain.keys()]);
    this.#expressions = expressions;
  }

  /** The name of what is in a text; of several that of the longest one. */
  find(text: string): string | undefined {
    let name: string | undefined;
    this.#automaton.search(text, (index) => {
      const found = this.#names[index]!;
      if (name === undefined || found.length > name.length) name = found;
    });
    return name ?? this.#expressions.find(({ expression }) => expression.test(text))?.name;
  }
}

/** `Googlebot\/` is `googlebot`, `[wW]get` is `wget`: of a choice the first, without signs at either end. */
function nameOf(pattern: string): string {
  const text = pattern
    .replace(/\[\\s\\S\]\*/g, ' ')
    .replace(/\(\^\| \)|\(\[\^-\]\|\$\)/g, '')
    .replace(/\[(.)[^\]]*\]/g, '$1')
    .replace(/\\d\+?/g, '')
    .replace(/\((\w+)\|[^)]*\)/g, '$1')
    .split('|', 1)[0]!
    .replace(/\\/g, '');
  return text.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '').toLowerCase();
}
