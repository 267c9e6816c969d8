import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonLine, printable, printableLines } from './printable.ts';

const mark = '\ufffd';

describe('text from outside', () => {
  it.each([
    ['escape sequences', '\u001b[2J'],
    ['C1 controls, which some terminals take for escape sequences', '\u009b2J'],
    ['the end of a line', 'a\nb'],
    ['line ends of Unicode', 'a\u2028b'],
    ['marks of direction', 'a\u202eb'],
    ['isolates', 'a\u2066b'],
    ['the Arabic mark of direction', 'a\u061cb'],
    ['spaces of no width', 'a\u200bb'],
    ['a byte order mark', 'a\ufeffb'],
    ['soft hyphens', 'a\u00adb'],
    ['letters that are blank', 'a\u3164b'],
    ['joiners in a word that is written without', 'ad\u200dmin'],
    ['a second joiner, which changes nothing to see', '\u0645\u200c\u200c\u062e'],
    ['selectors of variants that do not exist', 'a\ufe0fb'],
    ['tags', 'a\u{e0041}b'],
    ['half a surrogate pair', 'a\ud800b'],
  ])('shows a mark for %s', (_, text) => {
    expect(printable(text)).toContain(mark);
    expect(printable(text)).toHaveLength(text.length - (text.includes('\u{e0041}') ? 1 : 0));
  });

  it.each([
    'Zoë Müller <zoe@example.com>',
    '山田太郎',
    'עברית ו عربي',
    'علی\u200cرضا',
    'क\u094d\u200dष',
    'a\u0301',
    '\u00a0\u3000',
    '👩\u200d💻 ❤\ufe0f 🇩🇪 1\ufe0f\u20e3 🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}',
  ])('leaves %j as it is', (text) => {
    expect(printable(text)).toBe(text);
  });

  it('keeps its lines where it has several', () => {
    expect(printableLines('a\u001b\n\u009bb\n')).toBe(`a${mark}\n${mark}b\n`);
  });
});

describe('JSON', () => {
  it('escapes what is unsafe to look at', () => {
    expect(jsonLine({ name: 'a\u009b2J\u202e\u061c\u007f\u200b\ufeff' })).toBe(
      '{"name":"a\\u009b2J\\u202e\\u061c\\u007f\\u200b\\ufeff"}\n',
    );
    expect(jsonLine('\u{e0041}')).toBe('"\\udb40\\udc41"\n');
  });

  it('is one safe line of the same value, whatever the value is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const line = jsonLine(value);
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(printable(line.slice(0, -1))).toBe(line.slice(0, -1));
      }),
    );
  });
});
