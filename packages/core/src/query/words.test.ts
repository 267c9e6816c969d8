import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foldCase, hasPhrase, wordsOf } from './words.ts';

describe('words', () => {
  test.each([
    ['user.login', ['user', 'login']],
    ['u_12', ['u', '12']],
    ['Mozilla/5.0 (X11)', ['mozilla', '5', '0', 'x11']],
    ['Łódź, ÉCOLE', ['łódź', 'école']],
    ['e\u0301cole', ['école']],
    ['ΟΔΟΣ οδός', ['οδοσ', 'οδόσ']],
    ['東京タワーabc', ['東', '京', 'タ', 'ワ', 'ー', 'abc']],
    ['ﬁle Ⅳ', ['file', 'iv']],
    ['हिन्दी', ['हिन्दी']],
    ['!?', []],
    ['', []],
  ])('%s', (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  test('case makes no difference', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        expect(wordsOf(text.toUpperCase())).toEqual(wordsOf(text));
      }),
    );
  });

  test('folding twice changes nothing more', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(foldCase(foldCase(text))).toBe(foldCase(text));
      }),
    );
  });

  test('the words of a text are words', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const word of wordsOf(text)) expect(wordsOf(word)).toEqual([word]);
      }),
    );
  });
});

describe('phrases', () => {
  const words = ['a', 'b', 'a', 'bc'];
  test.each([
    [['a'], false, true],
    [['a', 'b'], false, true],
    [['b', 'a'], false, true],
    [['a', 'a'], false, false],
    [['a', 'bc'], false, true],
    [['c'], false, false],
    [['bc', 'a'], false, false],
    [['a', 'b', 'a', 'b'], false, false],
    [['a', 'b', 'a', 'b'], true, true],
    [['b'], true, true],
    [['a', 'b', 'a', 'bc', 'd'], false, false],
  ])('%j, prefix %s: %s', (phrase, prefix, found) => {
    expect(hasPhrase(words, phrase, prefix)).toBe(found);
  });
});
