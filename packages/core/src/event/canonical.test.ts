import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, hasCanonicalOrder } from './canonical.ts';
import { entrySchema, type JsonValue } from './event.ts';
import { entryText, parseEvent } from './parse.ts';
import { anyEvent, anyJson, anySpelling, spell } from './testing/any-event.ts';

const utf8 = new TextEncoder();

/** RFC 8785 section 3.2, word for word, without a thought about speed. */
function reference(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  // Section 3.2.2.3: numbers as ECMAScript writes them.
  if (typeof value === 'number') return String(Object.is(value, -0) ? 0 : value);
  if (typeof value === 'string') return referenceString(value);
  if (Array.isArray(value)) return `[${value.map(reference).join(',')}]`;
  const members = Object.entries(value as Record<string, unknown>);
  members.sort(([a], [b]) => compareUnits(a, b));
  return `{${members.map(([key, member]) => `${referenceString(key)}:${reference(member)}`).join(',')}}`;
}

/** Section 3.2.2.2. */
function referenceString(text: string): string {
  const short: Record<number, string> = {
    8: '\\b',
    9: '\\t',
    10: '\\n',
    12: '\\f',
    13: '\\r',
    34: '\\"',
    92: '\\\\',
  };
  let result = '"';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    result +=
      short[unit] ?? (unit < 0x20 ? `\\u${unit.toString(16).padStart(4, '0')}` : String.fromCharCode(unit));
  }
  return `${result}"`;
}

/** Section 3.2.3: as arrays of unsigned 16-bit integers. */
function compareUnits(a: string, b: string): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++)
    if (a.charCodeAt(i) !== b.charCodeAt(i)) return a.charCodeAt(i) - b.charCodeAt(i);
  return a.length - b.length;
}

function doubleOf(hex: string): number {
  return new DataView(new BigUint64Array([BigInt(`0x${hex}`)]).buffer).getFloat64(0, true);
}

describe('canonicalJson', () => {
  it('writes the sample of RFC 8785 section 3.2.2', () => {
    const sample = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    expect(canonicalJson(JSON.parse(sample))).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it('sorts keys as the sample of RFC 8785 section 3.2.3', () => {
    const sample = String.raw`{
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis"
    }`;
    const values = [...canonicalJson(JSON.parse(sample)).matchAll(/:"([^"]*)"/g)].map((match) => match[1]);
    expect(values).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
  });

  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('writes the double %s of RFC 8785 appendix B as %s', (hex, text) => {
    expect(canonicalJson(doubleOf(hex))).toBe(text);
  });

  it.each(['7fffffffffffffff', '7ff0000000000000', 'fff0000000000000'])(
    'refuses the double %s, for which JSON has no form',
    (hex) => {
      expect(() => canonicalJson([doubleOf(hex)])).toThrow(RangeError);
    },
  );

  it('is what RFC 8785 says for any JSON, however it was spelled', () => {
    fc.assert(
      fc.property(anyJson, anySpelling, (value, spelling) => {
        const parsed = JSON.parse(spell(value, spelling)) as JsonValue;
        const text = canonicalJson(parsed);
        expect(text).toBe(reference(value));
        expect(canonicalJson(JSON.parse(text) as JsonValue)).toBe(text);
      }),
    );
  });
});

describe('hasCanonicalOrder', () => {
  it('holds exactly when JSON.stringify writes the canonical form', () => {
    fc.assert(
      fc.property(anyJson, anySpelling, (value, spelling) => {
        const parsed = JSON.parse(spell(value, spelling)) as JsonValue;
        expect(hasCanonicalOrder(parsed)).toBe(JSON.stringify(parsed) === canonicalJson(parsed));
      }),
    );
  });

  it('is not fooled by keys that look like array indexes, which JavaScript puts first', () => {
    const parsed = JSON.parse('{"a":1,"10":2,"9":3}');
    expect(hasCanonicalOrder(parsed)).toBe(false);
    expect(canonicalJson(parsed)).toBe('{"10":2,"9":3,"a":1}');
  });
});

describe('entryText', () => {
  const defaults = {
    id: '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f',
    nowMs: Date.UTC(2026, 0, 31, 9, 30),
    trail: 'main',
    tenant: 'acme',
  };
  const receivedAt = '2026-01-31T09:30:00.001Z';
  const textOf = (bytes: Uint8Array): string => {
    const { text, receivedAt: slot } = entryText(parseEvent(bytes), defaults);
    return text.slice(0, slot) + receivedAt + text.slice(slot + receivedAt.length);
  };

  it('gives the canonical bytes of the entry for any event', () => {
    fc.assert(
      fc.property(anyEvent(), anySpelling, (event, spelling) => {
        const text = textOf(utf8.encode(spell(event as JsonValue, spelling)));
        const entry = JSON.parse(text);
        expect(text).toBe(reference(entry));
        expect(text).toBe(canonicalJson(entry));
        expect(entrySchema.safeParse(entry).success).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps what was reported and adds only what was absent', () => {
    fc.assert(
      fc.property(anyEvent(), anySpelling, (event, spelling) => {
        const entry = JSON.parse(textOf(utf8.encode(spell(event as JsonValue, spelling))));
        const { id = defaults.id, tenant = defaults.tenant, trail = defaults.trail, time, ...rest } = event;
        expect(reference(entry)).toBe(
          reference({
            ...rest,
            id: id.toLowerCase(),
            receivedAt,
            schemaVersion: 1,
            tenant,
            time: new Date(
              time === undefined ? defaults.nowMs : Date.parse(time.toUpperCase()),
            ).toISOString(),
            trail,
          }),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('does not depend on how the event was spelled', () => {
    fc.assert(
      fc.property(anyEvent(), anySpelling, anySpelling, (event, one, other) => {
        const texts = [one, other].map((spelling) =>
          textOf(utf8.encode(spell(event as JsonValue, spelling))),
        );
        expect(texts[0]).toBe(texts[1]);
      }),
    );
  });
});
