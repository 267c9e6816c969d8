import { isAscii } from '../is-ascii.ts';
import type { Filter, TextFilter } from './filter.ts';
import { ipKey } from './ip.ts';
import { wordsOf } from './words.ts';

/** What can stand between two words of one value, as JSON writes it. */
const between = String.raw`(?:[^a-z0-9]|\\[bfnrt]|\\u00[0-9a-f]{2})+`;

/**
 * A test of canonical texts of entries that is false only for entries that a filter does not find, and that costs a tenth
 * of parsing and judging one; undefined when there is nothing to test. It looks for the phrases that must occur: an index
 * knows which words an entry has, and not that they stand side by side.
 *
 * It knows entries of ASCII only; others may hold words that are written in other characters.
 */
export function phraseHint(filter: Filter): ((canonicalText: string) => boolean) | undefined {
  const needed = filter.op === 'and' ? filter.filters : [filter];
  const hints = needed.flatMap((part) => (part.op === 'text' ? hintOf(part) : []));
  if (hints.length === 0) return undefined;
  return (text) => hints.every((hint) => hint.test(text)) || !isAscii(text);
}

const isAsciiWord = /^[a-z0-9]+$/;

function hintOf({ text }: TextFilter): RegExp[] {
  const words = wordsOf(text);
  // An address is compared by its value, in whatever way it is written.
  if (words.length < 2 || ipKey(text) !== undefined || !words.every((word) => isAsciiWord.test(word)))
    return [];
  return [new RegExp(words.join(between), 'i')];
}
