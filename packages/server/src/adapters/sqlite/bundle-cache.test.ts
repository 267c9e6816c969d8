import { describe, expect, it } from 'vitest';
import { BundleCache } from './bundle-cache.ts';

const bundle = (fill: number): Uint8Array => new Uint8Array(10).fill(fill);

describe('BundleCache', () => {
  it('keeps what was used last, within its bytes', () => {
    const cache = new BundleCache(30);
    for (const n of [0, 1, 2]) cache.add(1, n, bundle(n));
    expect(cache.get(1, 0)).toEqual(bundle(0));
    cache.add(1, 3, bundle(3));
    expect([0, 1, 2, 3].map((n) => cache.get(1, n) !== undefined)).toEqual([true, false, true, true]);
  });

  it('tells trails apart', () => {
    const cache = new BundleCache(30);
    cache.add(1, 23, bundle(1));
    expect(cache.get(12, 3)).toBeUndefined();
    expect(cache.get(2, 23)).toBeUndefined();
    expect(cache.get(1, 23)).toEqual(bundle(1));
  });

  it('keeps the last one also when that alone is too large', () => {
    const cache = new BundleCache(5);
    cache.add(1, 0, bundle(0));
    cache.add(1, 1, bundle(1));
    expect(cache.get(1, 0)).toBeUndefined();
    expect(cache.get(1, 1)).toEqual(bundle(1));
  });
});
