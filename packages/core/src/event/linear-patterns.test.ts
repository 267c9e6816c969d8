import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PatternKind, valuePatterns } from './secret-patterns.ts';
import { countSteps } from './testing/step-counter.ts';

/** Pieces that the patterns begin with, go on with, or stop at: what hostile input is made of. */
const pieces = [
  'Bearer |earer |basic |eyJ|ey|.|-|_|~|+|=|a|A|x|é|"|\n| |://|:|//|@|/|?|0|4|11|4111 |1-',
  '-----BEGIN |RSA |PRIVATE KEY| BLOCK|-----|----|-----END |AKIA|ghp_|xoxb-|sk_live_|stk_|Q',
].flatMap((list) => list.split('|'));
const anyPieces = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...pieces), { minLength, maxLength }).map((parts) => parts.join(''));
/** A beginning, what is repeated, and an end at which a match may fail. */
const anyAttack = fc.tuple(anyPieces(0, 3), anyPieces(1, 4), anyPieces(0, 2));

/** Beyond the bounded repetitions of all patterns together, so that these cost the same from here on. */
const length = 700;
const textOf = ([start, pump, end]: readonly [string, string, string], times: number): string =>
  start + pump.repeat(Math.ceil((times * length) / pump.length)) + end;

/** Whether the steps grow as the text does: from 2 to 4 lengths by twice as much as from 1 to 2. */
function isLinear(expression: RegExp, attack: readonly [string, string, string]): boolean {
  const counter = countSteps(expression);
  const steps = [1, 2, 4].map((times) => counter.matchAll(textOf(attack, times), 2_000_000).steps);
  const [once, twice, fourTimes] = steps as [number, number, number];
  return fourTimes - twice <= 2.2 * (twice - once) + 200;
}

const expressions = Object.entries(valuePatterns as Readonly<Record<string, PatternKind>>).flatMap(
  ([name, { find, hints }]): [string, RegExp][] => [
    [name, find],
    ...(hints instanceof RegExp ? [[`the hint of ${name}`, hints] as [string, RegExp]] : []),
  ],
);

describe.each(expressions)('the pattern %s', (_, expression) => {
  it('takes steps in proportion to the text, however hostile', () => {
    fc.assert(
      fc.property(anyAttack, (attack) => {
        expect(isLinear(expression, attack)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is counted as the engine matches it', () => {
    const everywhere = new RegExp(expression, `${expression.flags.replace('g', '')}g`);
    fc.assert(
      fc.property(anyPieces(0, 40), (text) => {
        const { matches } = countSteps(expression).matchAll(text, 2_000_000);
        expect(matches).toEqual(Array.from(text.matchAll(everywhere), ([match]) => match));
      }),
    );
  });
});

describe('the count', () => {
  it.each([
    ['a run looked at from each of its places', /[\w-]{8,}\.eyJ/],
    ['digits without an assertion in front', /\d(?:[ -]?\d){12,}(?![\w-])/],
    ['a first part that is looked for again', /(?=([\w-]*?eyJ))\1[\w-]{8,}\.eyJ/],
    ['repetition in repetition', /(?:[a-z]+)+@/],
    ['repetitions side by side', /-----BEGIN [A-Z ]*[A-Z ]*PRIVATE/],
    ['spaces at the end', / +$/],
    ['a run without a bound at every beginning of a word', /\b[a-z][a-z0-9+.-]+:\/\//],
  ])('shows what is not linear: %s', (_, expression) => {
    const search = fc.check(
      fc.property(anyAttack, (attack) => {
        try {
          return isLinear(expression, attack);
        } catch {
          return false;
        }
      }),
      { numRuns: 20_000, seed: 1, endOnFailure: true },
    );
    expect(search.failed).toBe(true);
  });

  it('matches what the engine matches', () => {
    const samples: readonly (readonly [RegExp, string])[] = [
      [/a|ab|(?:c|d)*/, 'abcdcda'],
      [/(a*?)b\1/, 'aabaa aba b'],
      [/^a+$/, 'aaa'],
      [/\bab{2,3}?\b/, 'abbb abb ab'],
      [/(?<=x|yz)\d{1,2}(?!\d)/, 'x1 yz22 z3 x333'],
      [/(?=a)[^b]/i, 'AbaB'],
      [/\p{Lu}\P{Lu}/u, 'AbCÉé'],
      [/x{2}y{1,}?|z{0,1}/, 'xxyyzz'],
    ];
    for (const [expression, text] of samples) {
      const all = Array.from(
        text.matchAll(new RegExp(expression, `${expression.flags}g`)),
        ([match]) => match,
      );
      expect([expression, countSteps(expression).matchAll(text, 10_000).matches]).toEqual([expression, all]);
    }
  });
});
