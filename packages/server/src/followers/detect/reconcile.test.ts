import { describe, expect, it } from 'vitest';
import type { StoredFinding } from '../../detection-ports.ts';
import { reconcile } from './reconcile.ts';

const finding = (id: string, startMs: number, endMs: number | undefined, index = 10): StoredFinding => ({
  ...{ id, trail: 'main', tenant: undefined, rule: 'few', kind: 'correlation', entity: { who: 'x' } },
  ...{ startMs, endMs, lastMs: startMs, peak: 1, value: undefined, entries: [index], mergedInto: undefined },
});
const part = { from: 5, to: 20, sinceMs: 0, finalMs: 1000 };
const held = (
  found: readonly StoredFinding[],
  known: readonly StoredFinding[],
  exactFromMs = Number.NEGATIVE_INFINITY,
) => {
  const { added, begun, amended, withdrawn } = reconcile(part, exactFromMs, found, known);
  return {
    added: added.map(({ id }) => id),
    begun: begun.map(({ id }) => id),
    amended: amended.map(({ id, startMs }) => [id, startMs]),
    withdrawn: withdrawn.map(({ id, mergedInto }) => [id, mergedInto]),
  };
};
const unchanged = { added: [], begun: [], amended: [], withdrawn: [] };

describe('reconcile', () => {
  it('amends what overlaps under its name, makes others a part of it, and withdraws what is none', () => {
    const known = [finding('one', 10, 20), finding('two', 30, 40), finding('three', 90, 95)];
    expect(held([finding('new', 5, 50), finding('other', 60, 60)], known)).toEqual({
      begun: [],
      added: ['other'],
      amended: [['one', 5]],
      withdrawn: [
        ['two', 'one'],
        ['three', 'three'],
      ],
    });
  });

  it('never gives the name of one to another', () => {
    expect(held([finding('early', 0, 10), finding('known', 20, 50)], [finding('known', 0, 50)])).toEqual({
      begun: [],
      added: ['early'],
      amended: [['known', 20]],
      withdrawn: [],
    });
  });

  it('keeps apart what is about others', () => {
    const other = { ...finding('other', 10, 20), entity: { who: 'y' } };
    expect(held([finding('one', 10, 20)], [other])).toEqual({
      ...unchanged,
      ...{ added: ['one'], withdrawn: [['other', 'other']] },
    });
  });

  it.each([
    ['what goes on', finding('known', 10, undefined)],
    ['what can still change', finding('known', 10, 1001)],
    ['what was told of later entries', finding('known', 10, 40, 20)],
  ])('leaves %s as it is, whether it is found or not', (_, known) => {
    expect(held([finding('new', 5, 50)], [known])).toEqual(unchanged);
    expect(held([], [known])).toEqual(unchanged);
  });

  it('tells of what goes on where nothing was told, and not again', () => {
    const one = finding('one', 10, 1500);
    expect(held([one], [])).toEqual({ ...unchanged, begun: ['one'] });
    expect(held([one], [one])).toEqual(unchanged);
    expect(held([one], [finding('known', 20, 30)])).toEqual(unchanged);
  });

  it('leaves what began before enough is known, and what goes on with it', () => {
    expect(held([finding('new', 5, 50)], [finding('known', 12, 40)], 10)).toEqual(unchanged);
    expect(held([], [finding('known', 5, 40)], 10)).toEqual(unchanged);
  });

  it('leaves what was over before the part, unless an entry of the part counts in it', () => {
    const before = finding('before', -50, -10, 4);
    expect(held([before], [])).toEqual(unchanged);
    expect(held([], [before])).toEqual(unchanged);
    expect(held([finding('late', -50, -10, 5)], [])).toEqual({ ...unchanged, added: ['late'] });
  });
});
