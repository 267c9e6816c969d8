import { RuleError } from './rule-error.ts';

/** What a condition says, over the names of search identifiers. */
export type Condition =
  | { readonly op: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly op: 'not'; readonly part: Condition }
  | { readonly op: 'is'; readonly name: string };

const maxLength = 8192;
const maxDepth = 64;
/** Names that `of` stands for, in all: each is looked at whenever the rule is. */
const maxNamed = 20_000;
const token = /\s*(?:([()|])|([A-Za-z0-9_*-]+)|(\S))/y;

/**
 * Reads the condition of a rule: `of` binds closest, then `not`, `and`, `or`. Keywords are taken in any case. What a
 * pattern such as `1 of selection_*` names is looked up among `names`; one that names nothing is a fault, since
 * `not 1 of filter_*` would otherwise change its meaning in silence.
 *
 * @throws RuleError
 */
export function parseCondition(text: string, names: readonly string[]): Condition {
  return new ConditionParser(text, names).parse();
}

class ConditionParser {
  readonly #tokens: readonly string[];
  readonly #names: ReadonlySet<string>;
  #named = 0;
  #next = 0;
  #depth = 0;

  constructor(text: string, names: readonly string[]) {
    if (text.length > maxLength)
      throw new RuleError(`expected a condition of at most ${maxLength} characters`);
    this.#tokens = tokensOf(text);
    this.#names = new Set(names);
  }

  parse(): Condition {
    const condition = this.#or();
    const rest = this.#tokens[this.#next];
    if (rest === '|')
      throw new RuleError(
        'aggregations behind a pipe are not part of Sigma any more; write a correlation rule',
      );
    if (rest !== undefined)
      throw new RuleError(`expected and, or or the end of the condition, found ${rest}`);
    return condition;
  }

  #or(): Condition {
    return this.#list('or', () => this.#list('and', () => this.#not()));
  }

  #list(op: 'and' | 'or', part: () => Condition): Condition {
    const parts = [part()];
    while (this.#takes(op)) parts.push(part());
    return parts.length === 1 ? parts[0]! : { op, parts };
  }

  #not(): Condition {
    if (!this.#takes('not')) return this.#primary();
    return this.#deeper(() => ({ op: 'not', part: this.#not() }));
  }

  #primary(): Condition {
    if (this.#takes('(')) {
      const inner = this.#deeper(() => this.#or());
      if (!this.#takes(')')) throw new RuleError('expected a closing parenthesis');
      return inner;
    }
    const word = this.#word();
    const quantifier = word.toLowerCase();
    if (this.#peek() === 'of') {
      if (quantifier !== '1' && quantifier !== 'any' && quantifier !== 'all')
        throw new RuleError(`expected 1, any or all before of, found ${word}`);
      this.#next++;
      return this.#quantified(quantifier === 'all' ? 'and' : 'or');
    }
    if (!this.#names.has(word)) throw new RuleError(`there is no search identifier ${word}`);
    return { op: 'is', name: word };
  }

  #quantified(op: 'and' | 'or'): Condition {
    const word = this.#word();
    const pattern = word.toLowerCase() === 'them' ? '*' : word;
    const test = new RegExp(
      `^${pattern
        .split('*')
        .map((part) => part.replace(/-/g, '\\-'))
        .join('.*')}$`,
    );
    const found = [...this.#names].filter(
      (name) => test.test(name) && (!name.startsWith('_') || pattern.startsWith('_')),
    );
    if (found.length === 0) throw new RuleError(`no search identifier is named as ${word} says`);
    this.#named += found.length;
    if (this.#named > maxNamed)
      throw new RuleError(`expected a condition that names at most ${maxNamed} search identifiers`);
    const parts = found.map((name): Condition => ({ op: 'is', name }));
    return parts.length === 1 ? parts[0]! : { op, parts };
  }

  #deeper(work: () => Condition): Condition {
    if (++this.#depth > maxDepth) throw new RuleError(`expected at most ${maxDepth} levels in the condition`);
    const condition = work();
    this.#depth--;
    return condition;
  }

  #peek(): string | undefined {
    return this.#tokens[this.#next]?.toLowerCase();
  }

  #takes(wanted: string): boolean {
    if (this.#peek() !== wanted) return false;
    this.#next++;
    return true;
  }

  #word(): string {
    const word = this.#tokens[this.#next];
    if (word === undefined) throw new RuleError('the condition ends too early');
    if (!/^[A-Za-z0-9_*-]+$/.test(word)) throw new RuleError(`expected a search identifier, found ${word}`);
    this.#next++;
    return word;
  }
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  token.lastIndex = 0;
  const end = text.trimEnd().length;
  while (token.lastIndex < end) {
    const match = token.exec(text);
    if (!match) break;
    const [, sign, word, other] = match;
    if (other !== undefined) throw new RuleError(`expected a search identifier, found ${other}`);
    tokens.push(sign ?? word!);
  }
  return tokens;
}

/** The names that a condition uses. */
export function* namesIn(condition: Condition): Generator<string, undefined> {
  if (condition.op === 'is') yield condition.name;
  else if (condition.op === 'not') yield* namesIn(condition.part);
  else for (const part of condition.parts) yield* namesIn(part);
  return undefined;
}

/** Whether something in a condition is to be absent. */
export function hasNot(condition: Condition): boolean {
  if (condition.op === 'is') return false;
  return condition.op === 'not' || condition.parts.some(hasNot);
}
