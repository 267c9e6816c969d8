import { describe, expect, it } from 'vitest';
import { RecentIds } from './recent-ids.ts';
import { SeededRandom } from './testing/seeded-random.ts';

/** Ids of 16 characters, as the sequencer makes them. */
const key = (n: number): string => String(n).padStart(16, '0');

describe('RecentIds', () => {
  it('stays bounded over any number of batches, and never calls an id new that it was given', () => {
    const random = new SeededRandom(1);
    const recent = new RecentIds('');
    const given: string[] = [];
    while (given.length < 200_000) {
      for (let i = random.integer(1, 9_000); i > 0; i--) {
        // Rising, with stragglers far behind.
        const id = key(
          random.chance(0.99) ? given.length * 1_000 : random.integer(0, given.length) * 1_000 + 1,
        );
        recent.add(id, given.length);
        given.push(id);
      }
      recent.trim();
      expect(recent.size).toBeLessThan(2 * (16_384 + 9_000));
    }
    expect(given.filter((id) => recent.find(id) === 'new')).toEqual([]);
  });

  it('knows an id as new only when it is larger than all that have left, or were there before', () => {
    const recent = new RecentIds(key(100));
    expect(recent.find(key(99))).toBe('unknown');
    expect(recent.find(key(100))).toBe('unknown');
    expect(recent.find(key(101))).toBe('new');
    recent.add(key(101), 7);
    expect(recent.find(key(101))).toBe(7);
  });

  it('knows no id as new that has left, when they came from the largest to the smallest', () => {
    const recent = new RecentIds('');
    const count = 60_000;
    for (let i = count; i > 0; i--) {
      recent.add(key(i), i);
      if (i % 1_000 === 0) recent.trim();
    }
    for (const left of [count, count - 1, count / 2]) expect(recent.find(key(left))).toBe('unknown');
    expect(recent.find(key(count + 1))).toBe('new');
    expect(recent.find(key(1))).toBe(1);
  });

  it('finds every id of a batch, however large, until the batch is over', () => {
    const recent = new RecentIds('');
    for (let i = 0; i < 100_000; i++) recent.add(key(i), i);
    expect(recent.find(key(0))).toBe(0);
    recent.trim();
    recent.add(key(100_000), 100_000);
    expect(recent.find(key(0))).toBe(0);
  });
});
