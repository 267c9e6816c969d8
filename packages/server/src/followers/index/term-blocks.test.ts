import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bitmap } from './bitmap.ts';
import { PostingArena } from './postings.ts';
import { blockKey, encodeBlocks, keyAfter, TermBlock } from './term-blocks.ts';
import { termValue } from './terms.ts';

const piece = fc.constantFrom(
  'a',
  'b',
  'é',
  '東',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
  '\u0000',
);
const text = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(''));

test('blocks give back the terms and their entries, few or many', () => {
  const value = fc.oneof(text, fc.string({ unit: 'binary', maxLength: 150 }), fc.string({ maxLength: 4 }));
  fc.assert(
    fc.property(fc.uniqueArray(value, { maxLength: 200 }), fc.nat(80), (values, step) => {
      const arena = new PostingArena();
      const expected = values
        .map(termValue)
        .sort()
        .map((one, i) => {
          const term = arena.newTerm(one);
          for (let entry = 0; entry <= i * step; entry += 1 + (i % 7)) arena.add(term, entry);
          return [one, term] as const;
        });
      const apart: Uint8Array[] = [];
      const found: [string, number, number][] = [];
      for (const { first, data } of encodeBlocks(expected, arena, (entries) => apart.push(entries))) {
        const block = new TermBlock(data);
        let isFirst = true;
        block.some(
          (one, postings) => {
            expect(isFirst ? one === first : one > first).toBe(true);
            isFirst = false;
            const entries = new Bitmap();
            postings.addTo(entries);
            found.push([one, postings.count, entries.count()]);
            return false;
          },
          (place) => apart[place - 1]!,
        );
      }
      expect(found).toEqual(expected.map(([one, term]) => [one, arena.count(term), arena.count(term)]));
    }),
    { numRuns: 60 },
  );
});

test('a block says whether it may have a value with a part', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 20 }),
      fc.nat(190),
      (values, at) => {
        const arena = new PostingArena();
        const terms = [...new Set(values.map(termValue))]
          .sort()
          .map((value) => [value, arena.newTerm(value)] as const);
        const [block] = [...encodeBlocks(terms, arena, () => 0)].map(({ data }) => new TermBlock(data));
        for (const value of values) expect(block!.mayContain(value.slice(at, at + 5))).toBe(true);
      },
    ),
  );
});

test('keys have the order of the texts, and the key after a prefix comes after all texts that have it', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(blockKey(a).compare(blockKey(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
      expect(blockKey(a + b).compare(keyAfter(a))).toBe(-1);
      if (b > a && !b.startsWith(a)) expect(blockKey(b).compare(keyAfter(a))).toBeGreaterThanOrEqual(0);
    }),
  );
});
