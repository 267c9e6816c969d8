import { RE2JS, RE2JSException } from 're2js';
import { RuleError } from './rule-error.ts';
import type { RegexValue } from './values.ts';

const maxSourceLength = 4096;

const flagOf = {
  ignorecase: RE2JS.CASE_INSENSITIVE,
  multiline: RE2JS.MULTILINE,
  dotall: RE2JS.DOTALL,
} as const;

/** What has been compiled: a value is checked when it is read, and used by one set of rules or several. */
const compiled: WeakMap<RegexValue, (text: string) => boolean> = new WeakMap();

/**
 * A regular expression as a test that takes linear time: rules are untrusted input, and events are too. The syntax is
 * RE2's, and lookbehinds; what would need backtracking (backreferences, lookaheads) is refused.
 *
 * @throws RuleError
 */
export function compileRegex(value: RegexValue): (text: string) => boolean {
  let test = compiled.get(value);
  if (test === undefined) {
    test = compile(value);
    compiled.set(value, test);
  }
  return test;
}

function compile({ source, flags }: RegexValue): (text: string) => boolean {
  if (source.length > maxSourceLength)
    throw new RuleError(`expected a regular expression of at most ${maxSourceLength} characters`);
  const bits = flags.reduce((sum, name) => sum | flagOf[name], RE2JS.LOOKBEHINDS);
  try {
    const expression = RE2JS.compile(source, bits);
    return (text) => expression.test(text);
  } catch (cause) {
    if (!(cause instanceof RE2JSException)) throw cause;
    throw new RuleError(`the regular expression cannot be used: ${cause.message.slice(0, 200)}`);
  }
}
