import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonFault } from './json-fault.ts';
import { anyJson, anySpelling, spell } from './testing/any-event.ts';

describe('findJsonFault', () => {
  it.each([
    ['', 0, 'a value'],
    ['  ', 2, 'a value'],
    ['{"a":NaN}', 5, 'a value'],
    ['{"a":1,}', 7, 'a key'],
    ['{,}', 1, 'a key'],
    ['{a:1}', 1, 'a key'],
    ['{"a" 1}', 5, 'a colon'],
    ['{"a":01}', 6, 'a comma or the end'],
    ['{"a":1', 6, 'a comma or the end'],
    ['{"a":1]', 6, 'a comma or the end'],
    ['{"a":"x\ty"}', 5, 'a value'],
    ['{"a":"\\x"}', 5, 'a value'],
    ['{"a":.5}', 5, 'a value'],
    ['{"a":-}', 5, 'a value'],
    ['{"a":tru}', 5, 'a value'],
    ['[1,]', 3, 'a value'],
    ['[1 2]', 3, 'a comma or the end'],
    ['{} x', 3, 'nothing more'],
    ['\u00a0{}', 0, 'a value'],
    ['\ufeff{}', 0, 'a value'],
  ])('names the place in %j', (text, offset, expected) => {
    expect(findJsonFault(text)).toEqual({ offset, expected });
  });

  it('finds a fault exactly where JSON.parse finds one', () => {
    const anyChange = fc.record({
      at: fc.nat(),
      remove: fc.nat(3),
      insert: fc.oneof(
        fc.constantFrom('', '{', '}', '[', ']', ',', ':', '"', '\\', '0', '-', '.', 'e', 'n', ' '),
        fc.string(),
      ),
    });
    fc.assert(
      fc.property(anyJson, anySpelling, fc.array(anyChange, { maxLength: 2 }), (value, spelling, changes) => {
        let text = spell(value, spelling);
        for (const { at, remove, insert } of changes) {
          const start = at % (text.length + 1);
          text = text.slice(0, start) + insert + text.slice(start + remove);
        }
        const { offset, expected } = findJsonFault(text);
        expect(offset === text.length && expected === 'nothing more').toBe(isJson(text));
      }),
      { numRuns: 1000 },
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
