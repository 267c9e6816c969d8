import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonSplitter } from './json-splitter.ts';
import type { Piece } from './pieces.ts';

const maxBytes = 1000;

/** The pieces of a text that arrives in chunks of these lengths. */
function split(text: string, lengths: readonly number[] = [], most = maxBytes): readonly Piece[] {
  const bytes = Buffer.from(text);
  const splitter = new JsonSplitter(most, ['Records', 'events']);
  const pieces: Piece[] = [];
  let from = 0;
  for (const length of lengths) {
    pieces.push(...splitter.push(bytes.subarray(from, from + length)));
    from += length;
  }
  return [...pieces, ...splitter.push(bytes.subarray(from)), ...splitter.end()];
}
const shown = (pieces: readonly Piece[]): readonly string[] =>
  pieces.map(({ bytes, fault }) => (fault ? `${fault.code} ${bytes}` : bytes.toString()));

const pretty = (value: unknown): string => JSON.stringify(value, null, 2);
const [a, b, c] = ['{"a":1}', '{"b":[{"x":"]}"}]}', '{"c":"\\"{"}'] as const;

describe('JSON is cut into records where', () => {
  it.each([
    ['it is one object', a],
    ['it is one object over several lines', pretty({ a: [1, { b: 2 }] })],
  ])('%s', (_name, text) => {
    expect(shown(split(text))).toEqual([text]);
  });

  it.each([
    ['one stands on a line', `${a}\n${b}\r\n\n${c}`],
    ['one follows the other', `${a}${b} ${c}`],
    ['they are an array', `[${a},${b},${c}]`],
    ['they are an array over several lines', `[\n${a},\n${b}\n, ${c}\n]\n`],
    ['they are in an envelope', `{"Records":[${a},${b},${c}]}`],
    ['they are in an envelope with more in it', `{ "Records" : [${a},${b},${c}], "next": {"x": "]}"} }`],
    ['they are in several envelopes', `{"Records":[${a}]}\n{"events":[${b},${c}],"y":[{}]}\n`],
    ['they are behind a byte order mark', `\ufeff${a}\n${b}\n${c}`],
  ])('%s', (_name, text) => {
    expect(shown(split(text))).toEqual([a, b, c]);
  });

  it('an array or an envelope is empty', () => {
    for (const text of ['', '[]', ' [ ] ', '{"Records":[]}', '\n\n']) expect(split(text)).toEqual([]);
  });

  it('another array comes first: that is no envelope', () => {
    const text = '{"Other":[{"Records":[{}]}]}';
    expect(shown(split(text))).toEqual([text]);
  });
});

describe('what is broken', () => {
  it.each([
    ['a line that was cut', `${a}\n{"b":\n${c}`, [a, 'malformed_json {"b":', c]],
    ['a first line that was cut', `{"b":[\n${a}\n${c}`, ['malformed_json {"b":[', a, c]],
    ['a line that was cut within a text', `{"b":"x\n${a}`, ['malformed_json {"b":"x', a]],
    ['a line of something else', `${a}\nGET / HTTP/1.1\n${c}`, [a, 'malformed_json GET / HTTP/1.1', c]],
    ['something behind an object', `${a} x\n${c}`, [a, 'malformed_json x', c]],
    ['an end that is missing', `${a}\n{"b":`, [a, 'malformed_json {"b":']],
    ['an array that was cut', `[${a},${b}`, [a, b, 'malformed_json ']],
    ['an element that was cut', `[${a},\n{"b":\n${c}]`, [a, 'malformed_json {"b":', c]],
    [
      'elements that are no objects',
      `[1,${a},"x,]",[2],null]`,
      ['unknown_record 1', a, 'unknown_record "x,]"', '[2]', 'unknown_record null'],
    ],
    ['an envelope that was cut', `{"Records":[${a}\n${b}`, [a, b, 'malformed_json ']],
    ['an envelope whose end was cut', `{"Records":[${a}],"x":\n${b}`, [a, b]],
  ])('is named, and takes nothing with it: %s', (_name, text, expected) => {
    expect(shown(split(text))).toEqual(expected);
  });

  it('may be of any size, and no more of it is held than of a record', () => {
    const long = `{"x":"${'y'.repeat(5000)}"}`;
    const pieces = split(`${a}\n${long}\n${c}\n${'z'.repeat(5000)}\n${a}`);
    expect(pieces.map(({ fault }) => fault?.code)).toEqual([
      undefined,
      'record_too_large',
      undefined,
      'malformed_json',
      undefined,
    ]);
    for (const { bytes } of pieces) expect(bytes.length).toBeLessThanOrEqual(maxBytes);
  });
});

describe('any JSON', () => {
  const anyObject = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 });
  const anyLengths = fc.array(fc.nat({ max: 40 }), { maxLength: 30 });

  it('gives the records that it was made of, in whatever form and chunks it comes, and where they begin', () => {
    const forms: ((objects: readonly object[]) => string)[] = [
      (objects) => objects.map((one) => `${JSON.stringify(one)}\n`).join(''),
      (objects) => JSON.stringify(objects),
      (objects) => pretty(objects),
      (objects) => `{"Records":${JSON.stringify(objects)},"more":[1]}`,
      (objects) => pretty({ Records: objects, more: 'x' }),
    ];
    fc.assert(
      fc.property(fc.array(anyObject), fc.constantFrom(...forms), anyLengths, (objects, form, lengths) => {
        const text = form(objects);
        const pieces = split(text, lengths, 1_000_000);
        expect(pieces.map(({ bytes, fault }) => fault ?? JSON.parse(bytes.toString()))).toEqual(
          JSON.parse(JSON.stringify(objects)),
        );
        const bytes = Buffer.from(text);
        for (const piece of pieces)
          expect(bytes.subarray(piece.offset, piece.offset + piece.bytes.length)).toEqual(piece.bytes);
      }),
      { numRuns: 500 },
    );
  });

  it('or anything else gives the same pieces in whatever chunks it comes', () => {
    const anyText = fc
      .array(
        fc.oneof(
          fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', '\n', ' ', '{"Records":[', '{"a":1}', 'x'),
          fc.string({ unit: 'binary', maxLength: 3 }),
        ),
        { maxLength: 60 },
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(anyText, anyLengths, (text, lengths) => {
        expect(split(text, lengths)).toEqual(split(text));
      }),
      { numRuns: 3000 },
    );
  });
});
