import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Column, table } from './table.ts';
import { textWidth } from './text-width.ts';

const columns: readonly Column[] = [
  { heading: 'ID', isWhole: true },
  { heading: 'ACTOR' },
  { heading: 'TARGET' },
  { heading: 'SOURCE', isWhole: true },
];
const linesOf = (text: string): string[] => text.trimEnd().split('\n');

describe('a table', () => {
  it('is as wide as its cells where there is room', () => {
    expect(linesOf(table(columns, [['1', 'ada', '山田', '192.0.2.7']], 80))).toEqual([
      'ID  ACTOR  TARGET  SOURCE',
      '1   ada    山田    192.0.2.7',
    ]);
  });

  it('cuts nothing where there is no terminal', () => {
    const long = 'x'.repeat(5000);
    expect(table(columns, [['1', long, long, '::1']], Number.POSITIVE_INFINITY)).toContain(
      `1   ${long}  ${long}  ::1\n`,
    );
  });

  it('cuts the longest cell, and shows it, so that the others and the headings stay', () => {
    const text = table(columns, [['1', 'x'.repeat(256), 'invoice:in_42', '192.0.2.7']], 60);
    expect(linesOf(text)).toEqual([
      `ID  ACTOR${' '.repeat(25)}  TARGET         SOURCE`,
      `1   ${'x'.repeat(29)}…  invoice:in_42  192.0.2.7`,
    ]);
  });

  it('shares what there is fairly between cells that are too long', () => {
    const [, row] = linesOf(table(columns, [['1', 'a'.repeat(99), 'b'.repeat(999), '::1']], 60));
    expect(row).toBe(`1   ${'a'.repeat(22)}…  ${'b'.repeat(22)}…  ::1`);
  });

  it('folds rows rather than leaving too little of a cell', () => {
    const rows = [['12345678', 'ada.lovelace@example.com', 'invoice:in_42', '2001:db8::4217']];
    expect(linesOf(table(columns, rows, 40))).toEqual([
      'ID        ACTOR',
      '  TARGET         SOURCE',
      '12345678  ada.lovelace@example.com',
      '  invoice:in_42  2001:db8::4217',
    ]);
  });

  it('never cuts what is whole: it has a line of its own, however long', () => {
    const key = 'k'.repeat(90);
    const text = table(columns, [[key, 'ada', 'x', '::1']], 40);
    expect(linesOf(text)).toContain(key);
    expect(linesOf(text)).toContain('  ada    x       ::1');
  });

  it('keeps to the room with every column in it, whatever is in the cells', () => {
    const cell = fc.string({ unit: 'grapheme', maxLength: 300 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 20, max: 200 }),
        (cells, room) => {
          const rows = cells.map(([actor, target]) => ['1', actor, target, '::1']);
          const lines = linesOf(table(columns, rows, room));
          expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(room);
          for (const { heading } of columns) expect(lines.join('\n')).toContain(heading);
          expect(lines.filter((line) => line.endsWith('::1'))).toHaveLength(rows.length);
        },
      ),
    );
  });
});
