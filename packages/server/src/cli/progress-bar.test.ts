import { describe, expect, it } from 'vitest';
import { ProgressBar } from './progress-bar.ts';

/** What a terminal of this width shows after each step; an empty line where nothing was drawn. */
function drawn(
  columns: number,
  steps: readonly (readonly [atMs: number, done: number, total: number | undefined])[],
  isInteractive = true,
): string[] {
  let now = 0;
  let written = '';
  const terminal = {
    out: () => {},
    err: () => {},
    draw: (text: string) => {
      written += text;
    },
    isInteractive,
    columns,
    progressColumns: columns,
  };
  const lines: string[] = [];
  {
    using bar = new ProgressBar(terminal, 'verifying', () => now);
    for (const [atMs, done, total] of steps) {
      now = atMs;
      written = '';
      bar.show(done, total);
      lines.push(written.replace('\r', '').replace('\u001b[K', ''));
    }
    written = '';
  }
  if (isInteractive) expect(written).toBe('\r\u001b[K');
  return lines;
}

describe('ProgressBar', () => {
  it('shows percent, counts, rate and time left', () => {
    const lines = drawn(140, [
      [0, 0, 600_000],
      [1_000, 150_000, 600_000],
      [4_000, 600_000, 600_000],
    ]);
    expect(lines[0]).toBe(`verifying [${'·'.repeat(24)}]   0 %  0 of 600,000 entries`);
    const bar = `[${'█'.repeat(6)}${'·'.repeat(18)}]`;
    expect(lines[1]).toBe(`verifying ${bar}  25 %  150,000 of 600,000 entries  150,000/s  3 s left`);
    expect(lines[2]).toContain('100 %');
    expect(lines[2]).toContain('0 s left');
  });

  it('tells long times in minutes and hours', () => {
    const left = (done: number): string =>
      drawn(140, [
        [0, 0, 3_600_000],
        [1_000, done, 3_600_000],
      ])[1]!.slice(-18);
    expect(left(100_000)).toContain('  35 s left');
    expect(left(20_000)).toContain('  2 min 59 s left');
    expect(left(300)).toContain('  3 h 20 min left');
  });

  it('counts from the first entry, not from what came before it', () => {
    const [, line] = drawn(140, [
      [60_000, 1_000, 10_000],
      [61_000, 2_000, 10_000],
    ]);
    expect(line).toContain('1,000/s  8 s left');
  });

  it('draws at most ten times a second, and nothing where nobody looks', () => {
    const steps = Array.from({ length: 300 }, (_, i) => [i, i, 300] as const);
    expect(drawn(80, steps).filter((line) => line !== '')).toHaveLength(3);
    expect(drawn(80, steps, false).filter((line) => line !== '')).toHaveLength(0);
  });

  it('never fills the width of the terminal, and keeps percent and time left in a narrow one', () => {
    for (const columns of [10, 20, 40, 60, 80, 200]) {
      const [, line] = drawn(columns, [
        [0, 0, 600_000],
        [1_000, 150_000, 600_000],
      ]);
      expect(line!.length).toBeLessThan(columns);
      if (columns >= 40) expect(line).toMatch(/25 %.*3 s left/);
    }
  });

  it('does without a total, and with one that is wrong', () => {
    const [, unknown] = drawn(80, [
      [0, 0, undefined],
      [1_000, 500, undefined],
    ]);
    expect(unknown).toBe('verifying 500 entries  500/s');
    const [, wrong] = drawn(80, [
      [0, 0, 100],
      [1_000, 500, 100],
    ]);
    expect(wrong).toContain('100 %  500 of 500 entries');
    expect(drawn(80, [[0, 0, 0]])).toEqual(['verifying 0 entries']);
  });
});
