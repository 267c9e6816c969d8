import { expect, it } from 'vitest';
import { SealtrailError } from '../errors.ts';
import { parseEvent } from './parse.ts';

const utf8 = new TextEncoder();
const parse = (metadata: string): unknown =>
  parseEvent(utf8.encode(`{"action":"a.b","metadata":${metadata}}`)).metadata;

it('never changes the name of a key: one that is written with escapes is kept, or refused', () => {
  // Having seen a key that is a backslash, V8 may read "\u0061" in its place as that key.
  for (let i = 0; i < 2000; i++) expect(() => parse('{"\\\\":1}')).toThrow(SealtrailError);
  for (const [written, key] of [
    ['{"\\u0061":1}', 'a'],
    ['{"\\n":1}', '\n'],
    ['{"\\"":1}', '"'],
  ] as const) {
    let names: string[];
    try {
      names = Object.keys(parse(written) as object);
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid_event' });
      continue;
    }
    expect(names).toEqual([key]);
  }
});
