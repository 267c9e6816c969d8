import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Growth } from './growth.ts';

describe('Growth', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('wakes who waits', async () => {
    const growth = new Growth();
    const waiting = growth.wait(1000);
    growth.signal();
    expect(await waiting).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('counts a sign that came before the wait, once', async () => {
    const growth = new Growth();
    growth.signal();
    growth.signal();
    expect(await growth.wait(1000)).toBe(true);
    const waiting = growth.wait(1000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await waiting).toBe(false);
  });

  it('can be waited for again after the time ran out', async () => {
    const growth = new Growth();
    const waiting = growth.wait(10);
    await vi.advanceTimersByTimeAsync(10);
    expect(await waiting).toBe(false);
    growth.signal();
    expect(await growth.wait(10)).toBe(true);
  });
});
