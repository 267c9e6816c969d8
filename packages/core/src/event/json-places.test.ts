import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findDuplicateKey, findRoundedNumber } from './json-places.ts';
import { escapePointer } from './scan.ts';
import { anySpelling, spell } from './testing/any-event.ts';

/** JSON of which objects are lists of members: keys may repeat. */
type Tree = readonly Tree[] | number | { readonly members: readonly (readonly [key: string, value: Tree])[] };

const anyTree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.nat(9),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.record({
      members: fc.array(
        fc.tuple(fc.constantFrom('a', 'b', 'c', 'a/b', '~', '"', '', '__proto__'), tie('tree')),
        {
          maxLength: 3,
        },
      ),
    }),
  ),
})).tree;

function spellTree(tree: Tree, spelling: readonly number[]): string {
  if (typeof tree === 'number') return spell(tree, spelling);
  if (Array.isArray(tree)) return `[${tree.map((element) => spellTree(element, spelling)).join(' , ')}]`;
  const { members } = tree as Extract<Tree, { members: unknown }>;
  return `{${members
    .map(
      ([key, value], i) =>
        `${spell(key, spelling.slice(i % spelling.length))} : ${spellTree(value, spelling)}`,
    )
    .join(',')}}`;
}

function duplicateIn(tree: Tree, pointer: string): string | undefined {
  if (typeof tree === 'number') return undefined;
  const seen = new Set<string>();
  const members = Array.isArray(tree)
    ? tree.map((element: Tree, i) => [String(i), element] as const)
    : (tree as Extract<Tree, { members: unknown }>).members;
  for (const [key, value] of members) {
    const at = `${pointer}/${escapePointer(key)}`;
    if (seen.has(key)) return at;
    seen.add(key);
    const inside = duplicateIn(value, at);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

describe('findDuplicateKey', () => {
  it('points at the first key that an object names twice, however it is spelled', () => {
    fc.assert(
      fc.property(anyTree, anySpelling, (tree, spelling) => {
        expect(findDuplicateKey(spellTree(tree, spelling))).toBe(duplicateIn(tree, ''));
      }),
      { numRuns: 500 },
    );
  });

  it('sees through escapes', () => {
    expect(findDuplicateKey(String.raw`{"x":[0,{"a":1,"\u0061":2}]}`)).toBe('/x/1/a');
  });
});

describe('findRoundedNumber', () => {
  it.each([
    ...['1e-400', '-1E-325', '4e-324', '2.4703282292062327e-324', '4.95e-324'],
    ...['12345678901234.567', '9007199254740991.4', '-0.12345678901234567890', '123456789012345678e-3'],
    ...['3.141592653589793238462643383279', '0.1000000000000000055511151231257827'],
    ...['0.30000000000000000001', '1.00000000000000000000000001', '1e400'],
  ])('finds %s', (number) => {
    expect(findRoundedNumber(`{"x":${number}}`)).toBe('/x');
    expect(findRoundedNumber(`{"a":[0.5, {"x/y" : [7, ${number}]}, ${number}]}`)).toBe('/a/1/x~1y/1');
  });

  it.each([
    ...['0', '-0', '0e5', '0.0e-999', '0.00000000000000000000', '1', '1.50', '1e2', '1E+2', '10.0e-1', '0.1'],
    ...['0.10000000000000001', '0.30000000000000004', '12345678901234.566', '123456.78900000000000000000'],
    ...['5e-324', '4.9e-324', '4.9406564584124654e-324', '2.2250738585072014e-308', '9007199254740991.0'],
    ...['"1e-400"', '":1e-400,"', 'true', '"\\"1e-400"'],
  ])('leaves %s', (number) => {
    expect(findRoundedNumber(`{"x":${number},"y":[${number}]}`)).toBeUndefined();
  });

  it('leaves every double, however it is written', () => {
    const anyDouble = fc.double({ noNaN: true, noDefaultInfinity: true });
    const forms = fc.constantFrom<(value: number) => string>(
      String,
      (value) => value.toExponential(),
      (value) => value.toExponential(16),
      (value) => value.toPrecision(17),
      (value) => `${value.toExponential(16).replace('e', '0000e')}`,
    );
    fc.assert(
      fc.property(anyDouble, forms, (value, form) => {
        expect(findRoundedNumber(`[${form(value)}]`)).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves what is written with 15 digits', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 999_999_999_999_999 }),
        fc.integer({ min: -300, max: 280 }),
        (digits, power) => {
          expect(findRoundedNumber(`[${digits}e${power}]`)).toBeUndefined();
        },
      ),
    );
  });

  it('takes time in proportion to the text', () => {
    for (const number of [`1.${'0'.repeat(60_000)}1`, `1.${'0'.repeat(60_000)}`, `1e-${'9'.repeat(60_000)}`])
      expect(findRoundedNumber(`[${number}]`)).toBe(number.endsWith('0') ? undefined : '/0');
  });
});
