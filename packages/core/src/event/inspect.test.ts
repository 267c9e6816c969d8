import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from './event.ts';
import { countKeys, findStructuralFault, SUSPICIOUS } from './inspect.ts';
import { anyJson } from './testing/any-event.ts';

/** JSON with things in it that no event may hold. */
const anyPoisonedJson = fc
  .tuple(
    anyJson,
    fc.constantFrom(
      '"\\ud800"',
      '"\\udc00x"',
      '1e400',
      '-1e400',
      '9007199254740993',
      '1e300',
      '"fine"',
      '5e-324',
    ),
    fc.constantFrom('a', '__proto__', 'constructor', '\\ud800', 'k'.repeat(128), 'k'.repeat(129)),
    fc.constantFrom('value', 'key', 'element'),
  )
  .map(([json, poison, key, where]) => {
    const text = JSON.stringify(json);
    if (where === 'element') return JSON.parse(`[${text},{"b":[${poison}]}]`) as unknown;
    return JSON.parse(`{"x":[${text}],"y":{"${where === 'key' ? key : 'a'}":${poison}}}`) as unknown;
  });

describe('countKeys', () => {
  it('counts the keys of objects, nested ones included', () => {
    const keysOf = (value: JsonValue): number =>
      typeof value !== 'object' || value === null
        ? 0
        : (Object.values(value) as JsonValue[]).reduce<number>((sum, member) => sum + keysOf(member), 0) +
          (Array.isArray(value) ? 0 : Object.keys(value).length);
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(countKeys(value, true)).toBe(keysOf(value));
      }),
    );
  });

  it('is suspicious exactly when there is a fault to find', () => {
    fc.assert(
      fc.property(fc.oneof(anyJson, anyPoisonedJson), (value) => {
        expect(countKeys(value, true) === SUSPICIOUS).toBe(findStructuralFault(value) !== undefined);
      }),
      { numRuns: 500 },
    );
  });
});

describe('findStructuralFault', () => {
  it.each([
    ['{"a":{"__proto__":{}}}', '/a/__proto__'],
    ['{"__proto__":1}', '/__proto__'],
    ['{"a":[0,"\\ud800"]}', '/a/1'],
    ['{"a":{"\\udfff":1}}', '/a'],
    ['{"a/b":[1e400]}', '/a~1b/0'],
    ['{"a":-9007199254740992}', '/a'],
    ['{"a":1e21}', '/a'],
    [`{"a":{"${'k'.repeat(129)}":1}}`, `/a/${'k'.repeat(128)}`],
  ])('points into %s', (text, pointer) => {
    expect(findStructuralFault(JSON.parse(text))).toMatchObject({ pointer });
  });

  it.each([
    '{"constructor":1,"toString":2,"hasOwnProperty":3}',
    '[9007199254740991,-9007199254740991,0.1,-0]',
    '"\\ud83d\\ude00"',
    'null',
  ])('finds nothing in %s', (text) => {
    expect(findStructuralFault(JSON.parse(text))).toBeUndefined();
  });
});
