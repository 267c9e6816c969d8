import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bitmap, maxSegmentEntries } from './bitmap.ts';
import { PostingArena, StoredPostings } from './postings.ts';

const membersOf = (bitmap: Bitmap): number[] => [...bitmap.descending()].reverse();

test('terms keep their entries, however they come in between each other', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat(400)), { maxLength: 3000 }), (adds) => {
      const arena = new PostingArena();
      const terms = Array.from({ length: 10 }, (_, i) => arena.newTerm(`term ${i}`));
      const expected: Set<number>[] = terms.map(() => new Set());
      const rising = adds.map(([term, entry]) => [term, entry] as const).sort(([, a], [, b]) => a - b);
      for (const [term, entry] of rising) {
        arena.add(terms[term]!, entry);
        expected[term]!.add(entry);
      }
      const odd = new Bitmap();
      for (let entry = 1; entry < 400; entry += 2) odd.add(entry);
      for (const [i, term] of terms.entries()) {
        const entries = [...expected[i]!];
        const [direct, stored] = [new Bitmap(), new Bitmap()];
        arena.addTo(term, direct);
        const postings = new StoredPostings(arena.count(term), () => arena.stored(term));
        postings.addTo(stored);
        expect(membersOf(direct)).toEqual(entries);
        expect(membersOf(stored)).toEqual(entries);
        const odds = entries.filter((entry) => entry % 2 === 1).length;
        expect(arena.countIn(term, odd)).toBe(odds);
        expect(postings.countIn(odd)).toBe(odds);
      }
      expect(arena.size).toBe(expected.reduce((sum, entries) => sum + entries.size, 0));
    }),
    { numRuns: 50 },
  );
});

test.each([4095, 4096, 4097, maxSegmentEntries])('%i entries are kept, as a list or as a set', (count) => {
  const arena = new PostingArena();
  const term = arena.newTerm('');
  for (let entry = 0; entry < count; entry++) arena.add(term, entry);
  const postings = new StoredPostings(count, () => arena.stored(term));
  const stored = new Bitmap();
  postings.addTo(stored);
  expect(stored.count()).toBe(count);
  expect(postings.countIn(Bitmap.upTo(1000))).toBe(1000);
});

test('a rank is the number of smaller members', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(maxSegmentEntries - 1), { maxLength: 200 }), (members) => {
      const bitmap = new Bitmap();
      for (const member of members) bitmap.add(member);
      const ranks = bitmap.ranks();
      for (const [i, member] of membersOf(bitmap).entries()) expect(bitmap.rank(member, ranks)).toBe(i);
    }),
  );
});
