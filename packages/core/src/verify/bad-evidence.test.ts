import { describe, expect, it } from 'vitest';
import { each, MemoryTrail } from '../testing/memory-trail.ts';
import { failures, SIZES, statusOf, verify } from '../testing/verdicts.ts';
import type { TrailEvidence } from './evidence.ts';

describe('evidence that fails', () => {
  const failing = (part: Partial<TrailEvidence>): TrailEvidence => ({
    ...new MemoryTrail(700, SIZES).evidence(),
    ...part,
  });
  async function* breaksAfter<T>(items: readonly T[]): AsyncGenerator<T, undefined> {
    yield* items;
    throw new Error('disk error');
  }
  const thrower = () => {
    throw new Error('disk error');
  };

  it('is unreadable where it throws, and verified where it does not', async () => {
    const trail = new MemoryTrail(700, SIZES);
    const inEntries = await verify(failing({ entries: () => breaksAfter(trail.bundles(0, 512)) }));
    expect(failures(inEntries)).toEqual([['entries', 'unreadable']]);
    expect(inEntries.code).toBe('unreadable');
    for (const check of ['checkpoints', 'published']) expect(statusOf(inEntries, check)).toBe('skipped');
    expect(inEntries.coveredSize).toBe(512);
    expect(failures(await verify(failing({ entries: thrower })))).toContainEqual(['entries', 'unreadable']);

    const inCheckpoints = await verify(
      failing({ checkpoints: () => breaksAfter(trail.checkpoints.slice(0, 3)) }),
    );
    expect(failures(inCheckpoints)).toEqual([['checkpoints', 'unreadable']]);
    expect(inCheckpoints.coveredSize).toBe(700);

    const inTiles = await verify(failing({ tile: () => Promise.reject(new Error('disk error')) }));
    expect(failures(inTiles)).toEqual([['tiles', 'unreadable']]);

    const inStore = await verify(failing({ storeFaults: () => breaksAfter([]) }));
    expect(failures(inStore)).toEqual([['store', 'unreadable']]);
    const text = { toString: () => 'x' };
    const odd = await verify(
      failing({
        storeFaults: () => {
          throw text;
        },
      }),
    );
    expect(failures(odd)).toEqual([['store', 'unreadable']]);
  });

  it('with positions that cannot be is refused without endless work', async () => {
    const trail = new MemoryTrail(700, SIZES);
    for (const start of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
      const batches = [...trail.bundles(), { start, entries: trail.entries.slice(0, 1) }];
      expect(failures(await verify(failing({ entries: () => each(batches) })))).toEqual([
        ['entries', 'unreadable'],
      ]);
    }
    for (const count of [-1, 0.5, 2 ** 53]) {
      const batches = [...trail.bundles(), { start: 700, count, unreadable: 'x' }];
      expect(failures(await verify(failing({ entries: () => each(batches) })))).toEqual([
        ['entries', 'unreadable'],
      ]);
    }
    const far = [...trail.bundles(0, 512), { start: 2 ** 50, entries: trail.entries.slice(0, 2) }];
    const verdict = await verify(failing({ entries: () => each(far) }));
    expect(failures(verdict)).toContainEqual(['entries', 'missing', 700, 2 ** 50 - 1]);
    const lost = [...trail.bundles(0, 512), { start: 512, count: 2 ** 51, unreadable: 'x' }];
    expect(failures(await verify(failing({ entries: () => each(lost) })))).toContainEqual([
      'entries',
      'unreadable',
      512,
      512 + 2 ** 51 - 1,
    ]);
  });

  it('is closed when the verification is stopped', async () => {
    let closed = false;
    const trail = new MemoryTrail(700, SIZES);
    async function* entries() {
      try {
        yield* trail.bundles();
      } finally {
        closed = true;
      }
      return undefined;
    }
    await expect(verify(failing({ entries }), { signal: AbortSignal.abort() })).rejects.toThrow();
    expect(closed).toBe(true);
  });
});
