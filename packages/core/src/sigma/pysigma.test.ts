import { describe, expect, it } from 'vitest';
import { isAbsent } from './testing/corpus.ts';
import { pysigmaVectors } from './testing/pysigma-vectors.ts';

describe.skipIf(isAbsent)('vectors of pySigma (skipped where the shared folder is absent)', () => {
  it.each(Object.keys(pysigmaVectors) as (keyof typeof pysigmaVectors)[])('%s', (name) => {
    const vectors = pysigmaVectors[name]();
    expect(vectors.length).toBeGreaterThan(0);
    // What deviates is still another answer: one that has come to agree is no deviation any more.
    for (const { name: one, found, expected, deviation } of vectors)
      if (deviation !== undefined) expect([one, found]).not.toEqual([one, expected]);
      else expect([one, found]).toEqual([one, expected]);
  });
});
