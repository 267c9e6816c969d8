import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LiteralAutomaton } from './literal-automaton.ts';

const letter = fc.constantFrom('a', 'b', 'c', 'é', '東');
const word = (minLength: number, maxLength: number) =>
  fc.array(letter, { minLength, maxLength }).map((letters) => letters.join(''));

describe('LiteralAutomaton', () => {
  it('finds just the texts that occur', () => {
    fc.assert(
      fc.property(fc.uniqueArray(word(1, 4), { maxLength: 12 }), word(0, 30), (texts, text) => {
        const found = new Set<number>();
        new LiteralAutomaton(texts).search(text, (index) => found.add(index));
        expect([...found].sort((a, b) => a - b)).toEqual(
          texts.flatMap((one, i) => (text.includes(one) ? [i] : [])),
        );
      }),
      { numRuns: 2000 },
    );
  });
});
