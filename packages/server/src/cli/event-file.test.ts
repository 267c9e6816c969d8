import { PassThrough } from 'node:stream';
import { eventLimits } from '@sealtrail/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventBatches, withId } from './event-file.ts';

const { signal } = new AbortController();

async function* chunksOf(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Batches as the numbers and texts of their lines. */
async function batchesOf(text: string | Buffer, sizes = [65_536]): Promise<[number, string][][]> {
  const batches: [number, string][][] = [];
  for await (const batch of eventBatches(chunksOf(Buffer.from(text), sizes), signal))
    batches.push(batch.map(({ number, bytes }) => [number, bytes.toString()]));
  return batches;
}

describe('eventBatches', () => {
  it('are the lines of the text, with their numbers, however it is cut into chunks', async () => {
    const anyText = fc
      .array(fc.constantFrom('a', 'bb', '\n', '\r\n', ' ', '\t', 'é', '{"x":1}'), { maxLength: 30 })
      .map((parts) => parts.join(''));
    const anySizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(anyText, anySizes, async (text, sizes) => {
        const lines = text.split('\n').map((line, i): [number, string] => [i + 1, line]);
        expect((await batchesOf(text, sizes)).flat()).toEqual(
          lines.filter(([, line]) => /[^ \t\r]/.test(line)),
        );
      }),
    );
  });

  it('are bounded in lines and in bytes', async () => {
    const many = await batchesOf('{}\n'.repeat(2500));
    expect(many.map(({ length }) => length)).toEqual([1000, 1000, 500]);
    const large = await batchesOf(`${'x'.repeat(100_000)}\n`.repeat(25));
    expect(large.map(({ length }) => length)).toEqual([10, 10, 5]);
  });

  it('hold of a line without end no more than is needed to refuse it', async () => {
    const [batch] = await batchesOf(`{}\n${'x'.repeat(10_000_000)}\n{}`);
    expect(batch?.map(([number, { length }]) => [number, length])).toEqual([
      [1, 2],
      [2, 2 * eventLimits.entryBytes + 1],
      [3, 2],
    ]);
  });

  it('do not wait for an input that pauses', async () => {
    const input = new PassThrough();
    input.write('{"a":1}\n{"b":');
    const batches = eventBatches(input, signal);
    expect((await batches.next()).value).toMatchObject([{ number: 1 }]);
    input.end('2}');
    expect((await batches.next()).value).toMatchObject([{ number: 2, bytes: Buffer.from('{"b":2}') }]);
    expect((await batches.next()).done).toBe(true);
  });

  it('end with the signal, also while nothing comes', async () => {
    const stop = new AbortController();
    const next = eventBatches(new PassThrough(), stop.signal).next();
    stop.abort(new Error('stopped'));
    await expect(next).rejects.toThrow('stopped');
  });
});

describe('withId', () => {
  const line = (text: string | Buffer, number = 1) => ({ number, bytes: Buffer.from(text) });
  const textWithId = (text: string, number = 1, run = 'r'): string =>
    withId(line(text, number), run).toString();

  it('gives an id to an event that has none, and changes nothing else of its text', () => {
    const given = textWithId(' {"action":"a","metadata":{"id":1,"x":0.10}} ');
    expect(given).toMatch(
      /^ \{"id":"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f-]{21}","action":"a","metadata":\{"id":1,"x":0\.10\}\} $/,
    );
    expect(JSON.parse(textWithId('{}'))).toEqual({ id: expect.any(String) });
  });

  it.each([
    '{"id":"x","action":"a"}',
    '{"\\u0069d":null}',
    '{"action":',
    '[{"action":"a"}]',
    '"text"',
    '7',
    'null',
    '\ufeff{"action":"a"}',
    '{"action":"a"} {}',
  ])('leaves %s as it is', (text) => {
    expect(textWithId(text)).toBe(text);
  });

  it('leaves bytes that are no text for the server to refuse', () => {
    const bytes = Buffer.concat([Buffer.from('{"action":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    const given = withId(line(bytes), 'r');
    expect(given.subarray(-bytes.length + 1)).toEqual(bytes.subarray(1));
  });

  it('gives the same id to the same line of the same run, and to no other', () => {
    const idOf = (text: string, number: number, run: string): string =>
      (JSON.parse(textWithId(text, number, run)) as { id: string }).id;
    const ids = ['{"action":"a"}', '{"action":"b"}'].flatMap((text) =>
      [1, 2, 12].flatMap((number) =>
        ['r', 'r 1'].map((run) => [idOf(text, number, run), idOf(text, number, run)]),
      ),
    );
    for (const [one, again] of ids) expect(again).toBe(one);
    expect(new Set(ids.flat()).size).toBe(ids.length);
  });
});
