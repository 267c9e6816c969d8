import { describe, expect, it } from 'vitest';
import { cutText, padText, textWidth, wrap } from './text-width.ts';

describe('the width of text', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['Zoë', 3],
    ['Zoe\u0308', 3],
    ['山田', 4],
    ['ｱﾍﾞ', 3],
    ['ＡＢ', 4],
    ['한글', 4],
    ['\u1112\u1161\u11ab', 2],
    ['😀', 2],
    ['👩\u200d💻', 2],
    ['❤\ufe0f', 2],
    ['❤', 1],
    ['🇩🇪', 2],
    ['𠀀', 2],
    ['→…✓', 3],
    ['\ufffd', 1],
  ])('of %j is %i', (text, columns) => {
    expect(textWidth(text)).toBe(columns);
  });
});

describe('text that is put into columns', () => {
  it('is cut where it is too long, with an ellipsis in the last one', () => {
    expect(cutText('abcdef', 6)).toBe('abcdef');
    expect(cutText('abcdefg', 6)).toBe('abcde…');
    expect(cutText('abc', 1)).toBe('…');
  });

  it('is never cut within a character that takes two columns, or from its marks', () => {
    expect(cutText('山田太郎', 6)).toBe('山田…');
    expect(cutText('山田太郎', 5)).toBe('山田…');
    expect(cutText('Zoe\u0308xyz', 4)).toBe('Zoe\u0308…');
  });

  it('is filled up by width', () => {
    expect(padText('山田', 6)).toBe('山田  ');
    expect(padText('abcdef', 3)).toBe('abcdef');
  });

  it('is broken at spaces; a longer word has a line of its own', () => {
    expect(wrap('ab cd efghijk l', 5)).toEqual(['ab cd', 'efghijk', 'l']);
    expect(wrap('山田 太郎', 8)).toEqual(['山田', '太郎']);
    expect(wrap('ab cd', Number.POSITIVE_INFINITY)).toEqual(['ab cd']);
  });
});
