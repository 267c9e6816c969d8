import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SealtrailError } from '../errors.ts';
import { codeOf } from '../testing/code-of.ts';
import type { JsonValue } from './event.ts';
import { isExact } from './inspect.ts';
import { findRoundedNumber } from './json-places.ts';
import { eventLimits } from './limits.ts';
import { escapePointer, expectEnd, scanArray, scanObject, scanWhole, skipSpace } from './scan.ts';
import { anyJson, anySpelling, spell } from './testing/any-event.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Object keys in a value, nested ones included. */
function countAll(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 0;
  const members = Object.values(value) as JsonValue[];
  return members.reduce<number>(
    (sum, member) => sum + countAll(member),
    Array.isArray(value) ? 0 : members.length,
  );
}

const anyObject = fc.dictionary(fc.string(), anyJson);

describe('scanObject', () => {
  it('finds the end and the keys of any object, whatever follows it', () => {
    fc.assert(
      fc.property(anyObject, anySpelling, fc.string(), fc.string(), (value, spelling, before, after) => {
        const text = spell(value, spelling);
        const start = bytesOf(before).length;
        expect(scanObject(bytesOf(before + text + after), start)).toEqual({
          start,
          end: start + bytesOf(text).length,
          keys: countAll(value),
          hasUnicodeEscape: /(?<!\\)(?:\\\\)*\\u/.test(text),
          hasLongNumber: expect.any(Boolean),
        });
      }),
    );
  });

  it('takes an escaped backslash before a u for what it is', () => {
    expect(scanObject(bytesOf(String.raw`{"a":"\\u"}`), 0).hasUnicodeEscape).toBe(false);
    expect(scanObject(bytesOf(String.raw`{"a":"\\\u0061"}`), 0).hasUnicodeEscape).toBe(true);
  });

  it.each([
    ['{"a":0.1,"b":[-12345.678,true,false,null,9007199254740991]}', false],
    ['{"a":123456789.012345}', false],
    ['{"a":"1e5 0.1234567890123456"}', false],
    ['{"a1e5":true,"b":7,"c":"\\"1e5"}', false],
    ['{"a":1234567890.012345}', true],
    ['{"a":0.123456789012345}', true],
    ['{"a":1234567890123456789.5}', true],
    ['{"a":1e5}', true],
    ['{"a":[0,-1.5E-3]}', true],
  ])('tells of numbers that a double may not keep: %s', (text, hasLongNumber) => {
    expect(scanObject(bytesOf(text), 0).hasLongNumber).toBe(hasLongNumber);
  });

  it('tells of every number that a double does not keep', () => {
    const anyNumber = fc
      .tuple(
        fc.constantFrom('', '-'),
        fc.stringMatching(/^(?:0|[1-9]\d{0,20})$/),
        fc.stringMatching(/^(?:\.\d{1,20})?$/),
        fc.stringMatching(/^(?:[eE][+-]?\d{1,3})?$/),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(anyNumber, (number) => {
        const text = `{"a":[true, ${number}]}`;
        // Of integers that are rounded the parsed value tells.
        fc.pre(isExact(Number(number)) && findRoundedNumber(text) !== undefined);
        expect(scanObject(bytesOf(text), 0).hasLongNumber).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it.each(['', '  {}', '}', 'x', 'not', 'tru', '\ufeff{}'])('refuses %j, which begins no value', (text) => {
    expect(codeOf(() => scanObject(bytesOf(text), 0))).toBe('malformed_json');
  });

  it.each(['1', '-1', '"a"', '[{}]', 'true', 'null', 'false'])('refuses %s, which is no object', (text) => {
    expect(codeOf(() => scanObject(bytesOf(text), 0))).toBe('invalid_event');
  });

  it.each(['{', '{"a', '{"a\\', '{"a":{}', '{"a":"}', '{"a\\"}', '{['])(
    'refuses %j, which has no end',
    (text) => {
      expect(codeOf(() => scanObject(bytesOf(text), 0))).toBe('malformed_json');
    },
  );

  it('bounds nesting, of arrays and objects alike', () => {
    const nested = (depth: number): Uint8Array =>
      bytesOf(`{"a":${'[{"a":'.repeat((depth - 1) / 2)}1${'}]'.repeat((depth - 1) / 2)}}`);
    expect(scanObject(nested(eventLimits.depth - 1), 0).keys).toBe(eventLimits.depth / 2);
    expect(codeOf(() => scanObject(nested(eventLimits.depth + 1), 0))).toBe('invalid_event');
  });

  it('goes through brackets without end in one pass and without recursion', () => {
    expect(codeOf(() => scanObject(bytesOf(`{"a":${'['.repeat(1_000_000)}`), 0))).toBe('invalid_event');
    expect(codeOf(() => scanObject(bytesOf(`{"a":"${'['.repeat(1_000_000)}`), 0))).toBe('malformed_json');
  });

  it('either refuses bytes with a code or finds an end within them', () => {
    const anyBytes = fc.oneof(
      fc.uint8Array(),
      fc
        .array(fc.constantFrom(...'{}[]:,"\\u01 \n'), { maxLength: 40 })
        .map((chars) => bytesOf(`{${chars.join('')}`)),
    );
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        try {
          const { start, end } = scanObject(bytes, 0);
          expect(start).toBe(0);
          expect(end).toBeGreaterThan(1);
          expect(end).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(SealtrailError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('scanWhole', () => {
  it('passes over white space around the object', () => {
    expect(scanWhole(bytesOf(' \r\n\t{"a":1}\n'))).toMatchObject({ start: 4, end: 11 });
  });

  it.each(['{} {}', '{},', '{}\u0000', '{}\u00a0'])('refuses %j', (text) => {
    expect(codeOf(() => scanWhole(bytesOf(text)))).toBe('malformed_json');
  });
});

describe('scanArray', () => {
  const textsOf = (text: string): string[] => {
    const bytes = bytesOf(text);
    return [...scanArray(bytes, skipSpace(bytes, 0))].map(({ start, end }) =>
      new TextDecoder().decode(bytes.subarray(start, end)),
    );
  };

  it('finds each element of any array of objects', () => {
    fc.assert(
      fc.property(fc.array(anyObject), anySpelling, (values, spelling) => {
        expect(textsOf(` ${spell(values, spelling)}\n`).map((text) => JSON.parse(text))).toEqual(
          JSON.parse(spell(values, spelling)),
        );
      }),
    );
  });

  it.each(['[', '[{}', '[{},', '[{},]', '[{} {}]', '[{}]]', '[{}] x', '[,{}]', '[]x'])(
    'refuses %s',
    (text) => {
      expect(codeOf(() => textsOf(text))).toBe('malformed_json');
    },
  );

  it.each(['[1]', '[{},null]', '[[{}]]'])('refuses %s, of which an element is no object', (text) => {
    expect(codeOf(() => textsOf(text))).toBe('invalid_event');
  });
});

describe('expectEnd', () => {
  it('names the byte that is too many', () => {
    expect(() => expectEnd(bytesOf('{}  x'), 2)).toThrow('byte 4');
  });
});

describe('escapePointer', () => {
  it('escapes as RFC 6901 section 3 says, and bounds what it repeats', () => {
    expect(escapePointer('a/b~c~1')).toBe('a~1b~0c~01');
    expect(escapePointer('k'.repeat(10_000))).toHaveLength(eventLimits.keyLength);
  });
});
