import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldCase } from './fold.ts';
import { compilePattern } from './glob.ts';
import { anyDash, anything, oneCharacter, type Pattern, parsePattern } from './pattern.ts';
import { RuleError } from './rule-error.ts';

/** The same by the engine's own regular expressions, which backtrack. */
function byExpression(pattern: Pattern): RegExp {
  const source = pattern.map((part) => {
    if (typeof part === 'string') return part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
    if ('placeholder' in part) throw new Error('not in these tests');
    return { '*': '[^]*', '?': '[^]', dash: '[-/\u2013-\u2015]' }[part.wild];
  });
  return new RegExp(`^${source.join('')}$`, 'u');
}

const letter = fc.constantFrom('a', 'b', '-', '/', '–', '\n', '.', '😀', 'ß');
const anyText = fc.array(letter, { maxLength: 8 }).map((letters) => letters.join(''));
const anyPattern = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.array(letter, { minLength: 1, maxLength: 3 }).map((letters) => letters.join('')),
    },
    fc.constantFrom(anything, oneCharacter, anyDash),
  ),
  { maxLength: 6 },
);

describe('compilePattern', () => {
  it('is what a regular expression says of it', () => {
    fc.assert(
      fc.property(anyPattern, fc.array(anyText, { maxLength: 6 }), (pattern, texts) => {
        const test = compilePattern(pattern, false);
        for (const text of texts)
          expect([text, test(text)]).toEqual([text, byExpression(pattern).test(text)]);
      }),
      { numRuns: 2000 },
    );
  });

  it('finds texts that are made to fit', () => {
    fc.assert(
      fc.property(anyPattern, anyText, (pattern, filling) => {
        const text = pattern
          .map((part) => {
            if (typeof part === 'string') return part;
            if ('placeholder' in part) return '';
            return { '*': filling, '?': '😀', dash: '–' }[part.wild];
          })
          .join('');
        expect(compilePattern(pattern, false)(text)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('ignores case in folded texts', () => {
    const test = compilePattern(parsePattern('*STRASSE ÄΣK*'), true);
    expect(test(foldCase('die Strasse äςk!'))).toBe(true);
    expect(test(foldCase('die Straße äςk!'))).toBe(false);
  });

  it('refuses a placeholder that has no value', () => {
    expect(() => compilePattern([{ placeholder: 'admins' }], true)).toThrow(RuleError);
  });
});

describe('foldCase', () => {
  it('keeps the length, and is the same when done again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const folded = foldCase(text);
        expect(folded.length).toBe(text.length);
        expect(foldCase(folded)).toBe(folded);
      }),
    );
  });

  it('is the simple case folding of every character, as the engine has it in expressions', () => {
    const wrong: string[] = [];
    for (let code = 0; code <= 0x1ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const char = String.fromCodePoint(code);
      const folded = foldCase(char);
      if (folded !== char && !new RegExp(`^\\u{${code.toString(16)}}$`, 'iu').test(folded))
        wrong.push(code.toString(16));
    }
    expect(wrong).toEqual([]);
  });
});
