import { RE2JS } from 're2js';

/** A pattern that must not be followed by something. */
interface Guarded {
  readonly expression: RE2JS;
  /** What must not follow, from where the expression ends. */
  readonly not: RE2JS;
}

/** A lookahead at the end of a pattern, the one kind that is understood. */
const guarded = /^(.*)\(\?!(.*)\)$/;
const lookbehind = '(?<';

/**
 * Patterns that are made for a backtracking engine, in any case of letters, run by one that takes linear time. It has no
 * lookaheads: a negative one at the end of a pattern is tried by itself wherever the pattern before it is found.
 */
export class BotPatterns {
  readonly #all: RE2JS;
  readonly #expressions: readonly RE2JS[];
  readonly #guarded: readonly Guarded[];

  constructor(patterns: readonly string[]) {
    const plain: string[] = [];
    const expressions: RE2JS[] = [];
    const withGuard: Guarded[] = [];
    for (const pattern of patterns) {
      const [, head, tail] = guarded.exec(pattern) ?? [];
      if (head !== undefined) withGuard.push({ expression: compile(head), not: compile(`^(?:${tail})`) });
      else if (pattern.includes(lookbehind)) expressions.push(compile(pattern));
      else plain.push(`(?:${pattern})`);
    }
    this.#all = compile(plain.join('|'));
    this.#expressions = expressions;
    this.#guarded = withGuard;
  }

  /** Whether any of them is in a text. */
  test(text: string): boolean {
    return (
      this.#all.test(text) ||
      this.#expressions.some((expression) => expression.test(text)) ||
      this.#guarded.some((pattern) => isFound(pattern, text))
    );
  }
}

const compile = (source: string): RE2JS =>
  RE2JS.compile(source, RE2JS.CASE_INSENSITIVE | (source.includes(lookbehind) ? RE2JS.LOOKBEHINDS : 0));

function isFound({ expression, not }: Guarded, text: string): boolean {
  if (!expression.test(text)) return false;
  const matcher = expression.matcher(text);
  while (matcher.find()) if (!not.test(text.slice(matcher.end()))) return true;
  return false;
}
