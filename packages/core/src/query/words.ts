/**
 * Words: what full-text search compares. The one tokenizer, used by the matcher and by the index.
 *
 * A word is a maximal run of letters, digits and combining marks (Unicode categories L, N and M); everything else,
 * underscore and dot included, separates. So `user.login` is the words `user` and `login`, and `u_12` is `u` and `12`.
 * Han, Hiragana and Katakana characters, which are written without spaces, are a word each. Case is ignored: words are
 * NFKC-normalized and lower-cased.
 */
import { isAscii } from '../is-ascii.ts';

/** Lower case and NFKC, so that what looks the same compares the same. */
export function foldCase(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  // Lower-casing writes a capital sigma in two ways, depending on what follows it.
  return text.normalize('NFKC').toLowerCase().replaceAll('ς', 'σ');
}

// Script extensions, so that the sign which lengthens a vowel counts as Japanese.
const unspaced = String.raw`[[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}]&&[\p{L}\p{N}]]`;
const unicodeWord = new RegExp(String.raw`${unspaced}\p{M}*|(?:(?!${unspaced})[\p{L}\p{N}\p{M}])+`, 'gv');

/** The words of a text, in order, folded, repeats included. */
export function wordsOf(text: string): string[] {
  const folded = foldCase(text);
  if (!isAscii(folded)) return folded.match(unicodeWord) ?? [];
  const words: string[] = [];
  let start = -1;
  for (let i = 0; i < folded.length; i++) {
    const code = folded.charCodeAt(i);
    if ((code >= 97 && code <= 122) || (code >= 48 && code <= 57)) {
      if (start < 0) start = i;
    } else if (start >= 0) {
      words.push(folded.slice(start, i));
      start = -1;
    }
  }
  if (start >= 0) words.push(folded.slice(start));
  return words;
}

/**
 * True when `phrase` occurs in `words`, in order and side by side; with `prefix` the last word of the phrase need only
 * be the beginning of a word.
 */
export function hasPhrase(words: readonly string[], phrase: readonly string[], prefix: boolean): boolean {
  const last = phrase.length - 1;
  for (let start = 0; start + last < words.length; start++) {
    let i = 0;
    while (i < last && words[start + i] === phrase[i]) i++;
    if (i < last) continue;
    const word = words[start + last]!;
    if (prefix ? word.startsWith(phrase[last]!) : word === phrase[last]) return true;
  }
  return false;
}
