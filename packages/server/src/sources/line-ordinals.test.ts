import { describe, expect, it } from 'vitest';
import { LineOrdinals } from './line-ordinals.ts';

describe('LineOrdinals', () => {
  it('counts lines that are alike', () => {
    const ordinals = new LineOrdinals();
    expect(['a', 'b', 'a', 'a', 'b'].map((line) => ordinals.next(line))).toEqual([0, 0, 1, 2, 1]);
  });

  it('remembers those of late, in bounded memory', () => {
    let held = 0;
    const ordinals = new LineOrdinals((bytes) => {
      held += bytes;
    });
    ordinals.next('first');
    for (let i = 0; i < 70_000; i++) ordinals.next(`line ${i}`);
    expect(ordinals.next('first')).toBe(1);
    const most = held;
    for (let i = 0; i < 200_000; i++) ordinals.next(`other line ${i}`);
    expect(ordinals.next('line 0')).toBe(0);
    expect(held).toBe(most);
  });
});
