import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SealtrailError } from '../errors.ts';
import { codeOf } from '../testing/code-of.ts';
import type { JsonValue } from './event.ts';
import { eventLimits } from './limits.ts';
import {
  escapePointer,
  expectEnd,
  findDuplicateKey,
  scanArray,
  scanObject,
  scanWhole,
  skipSpace,
} from './scan.ts';
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
        });
      }),
    );
  });

  it('takes an escaped backslash before a u for what it is', () => {
    expect(scanObject(bytesOf(String.raw`{"a":"\\u"}`), 0).hasUnicodeEscape).toBe(false);
    expect(scanObject(bytesOf(String.raw`{"a":"\\\u0061"}`), 0).hasUnicodeEscape).toBe(true);
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

/** JSON of which objects are lists of members: keys may repeat. */
type Tree = readonly Tree[] | number | { readonly members: readonly (readonly [key: string, value: Tree])[] };

const anyTree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.nat(9),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.record({
      members: fc.array(
        fc.tuple(fc.constantFrom('a', 'b', 'c', 'a/b', '~', '"', '', '__proto__'), tie('tree')),
        {
          maxLength: 3,
        },
      ),
    }),
  ),
})).tree;

function spellTree(tree: Tree, spelling: readonly number[]): string {
  if (typeof tree === 'number') return spell(tree, spelling);
  if (Array.isArray(tree)) return `[${tree.map((element) => spellTree(element, spelling)).join(' , ')}]`;
  const { members } = tree as Extract<Tree, { members: unknown }>;
  return `{${members
    .map(
      ([key, value], i) =>
        `${spell(key, spelling.slice(i % spelling.length))} : ${spellTree(value, spelling)}`,
    )
    .join(',')}}`;
}

function duplicateIn(tree: Tree, pointer: string): string | undefined {
  if (typeof tree === 'number') return undefined;
  const seen = new Set<string>();
  const members = Array.isArray(tree)
    ? tree.map((element: Tree, i) => [String(i), element] as const)
    : (tree as Extract<Tree, { members: unknown }>).members;
  for (const [key, value] of members) {
    const at = `${pointer}/${escapePointer(key)}`;
    if (seen.has(key)) return at;
    seen.add(key);
    const inside = duplicateIn(value, at);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

describe('findDuplicateKey', () => {
  it('points at the first key that an object names twice, however it is spelled', () => {
    fc.assert(
      fc.property(anyTree, anySpelling, (tree, spelling) => {
        expect(findDuplicateKey(spellTree(tree, spelling))).toBe(duplicateIn(tree, ''));
      }),
      { numRuns: 500 },
    );
  });

  it('sees through escapes', () => {
    expect(findDuplicateKey(String.raw`{"x":[0,{"a":1,"\u0061":2}]}`)).toBe('/x/1/a');
  });
});

describe('escapePointer', () => {
  it('escapes as RFC 6901 section 3 says, and bounds what it repeats', () => {
    expect(escapePointer('a/b~c~1')).toBe('a~1b~0c~01');
    expect(escapePointer('k'.repeat(10_000))).toHaveLength(eventLimits.keyLength);
  });
});
