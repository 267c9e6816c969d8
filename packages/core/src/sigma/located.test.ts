import { describe, expect, it } from 'vitest';
import { parseYaml, plain } from './located.ts';

const read = (text: string): unknown =>
  parseYaml(text).map((document) =>
    'root' in document ? plain(document.root) : document.faults.map(({ line }) => line),
  );

describe('parseYaml', () => {
  it.each([
    ['a tag that nobody knows', 'a: 1\nb: !mine c'],
    ['a tag that makes something else of a value', 'a: 1\nb: !!set {c, d}'],
    ['a key without a name', 'a: 1\n? \n: b'],
    ['a key that is null', 'a: 1\nnull: b'],
    ['a key that is a map', 'a: 1\n{b: c}: d'],
    ['a key that stands twice', 'a: 1\na: 2'],
    ['a key that stands twice, once as a number', '1: a\n"1": b'],
    ['what is no number', 'a: 1\nb: .nan'],
    ['what is more than any number', 'a: 1\nb: [1, .inf]'],
    ['what is less than any number', 'a: 1\nb: -.Inf'],
    ['an alias without an anchor', 'a: 1\nb: *c'],
    ['lists in lists without end', `a: 1\nb: ${'['.repeat(50_000)}1${']'.repeat(50_000)}`],
    ['lists in lists that do not end', `a: 1\nb: ${'['.repeat(50_000)}`],
    ['maps in maps without end', `a: 1\nb: ${'{a: '.repeat(5000)}1${'}'.repeat(5000)}`],
    ['an anchor that holds itself', 'a: 1\nb: &c [*c]'],
  ])('refuses %s, with its line', (_name, text) => {
    expect(read(text)).toEqual([[2]]);
  });

  it('goes as deep as it says, and no deeper', () => {
    const nested = (levels: number): string => `${'['.repeat(levels)}1${']'.repeat(levels)}`;
    expect(read(nested(64))).toEqual([JSON.parse(nested(64))]);
    expect(read(nested(65))).toEqual([[1]]);
  });

  it('keeps keys as they are written', () => {
    expect(read('1.0: a\n0x10: b\ntrue: c')).toEqual([{ '1.0': 'a', '0x10': 'b', true: 'c' }]);
  });

  it('keeps numbers as texts that JavaScript cannot hold', () => {
    expect(read('[1e999, -1e999, 12345678901234567890, 1.5]')).toEqual([
      ['1e999', '-1e999', '12345678901234567890', 1.5],
    ]);
  });

  it('lets an alias stand for the last anchor of its name before it', () => {
    expect(read('[&y 1, &x [*y], &y 2, *x, *y, {&z k: *y}, {v: *z}]')).toEqual([
      [1, [1], 2, [1], 2, { k: 2 }, { v: 'k' }],
    ]);
  });

  it('reads maps of many keys, and many aliases', () => {
    const keys = Array.from({ length: 50_000 }, (_, i) => `k${i}: v`).join('\n');
    expect(Object.keys((read(keys) as [object])[0])).toHaveLength(50_000);
    const aliases = `[&a x, ${Array.from({ length: 50_000 }, () => '*a').join(', ')}]`;
    expect((read(aliases) as [unknown[]])[0]).toHaveLength(50_001);
  });
});
