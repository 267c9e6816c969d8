import { PassThrough, Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { SealtrailError } from '@sealtrail/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOfPromise } from '../testing/code-of.ts';
import { decodedChunks, lines, readBody, tooLong } from './body.ts';

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

describe('lines', () => {
  it('are those of the text, however it is cut into chunks', async () => {
    const anyText = fc
      .array(fc.constantFrom('a', 'bb', '\n', '\r\n', ' ', '\t', 'é', '{"x":1}'), { maxLength: 30 })
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(
        anyText,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (text, sizes) => {
          const found: unknown[] = [];
          for await (const line of lines(inPieces(Buffer.from(text), sizes), 12))
            found.push(line === tooLong ? line : line.toString());
          expect(found).toEqual(
            text
              .split('\n')
              .filter((line) => Buffer.byteLength(line) > 12 || /[^ \t\r]/.test(line))
              .map((line) => (Buffer.byteLength(line) > 12 ? tooLong : line)),
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** Collects garbage now: what is there afterwards, something holds. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

describe('a line that does not end', () => {
  const [count, chunkBytes] = [64, 65_536];

  /** Of so many chunks of one line, those that are in memory once all have come; and the lines that it comes to. */
  async function heldOf(maxLineBytes: number): Promise<{ held: number; found: unknown[] }> {
    const memory: WeakRef<ArrayBufferLike>[] = [];
    let held = 0;
    async function* body(): AsyncGenerator<Buffer> {
      for (let i = 0; i < count; i++) {
        const chunk = Buffer.alloc(chunkBytes, 'x');
        memory.push(new WeakRef(chunk.buffer));
        yield chunk;
      }
      // In a turn of its own: a reference is strong in the one in which it was made.
      await nextTurn();
      collectGarbage();
      held = memory.filter((chunk) => chunk.deref() !== undefined).length;
      yield Buffer.from('\n{}\n');
    }
    const found: unknown[] = [];
    for await (const line of lines(body(), maxLineBytes)) found.push(line === tooLong ? line : line.length);
    return { held, found };
  }

  it('is in memory as long as it may become one', async () => {
    expect(await heldOf(count * chunkBytes)).toEqual({ held: count, found: [count * chunkBytes, 2] });
  });

  it.each([0, 1.5 * chunkBytes, (count - 1) * chunkBytes])(
    'is not any more once it is longer than %i bytes',
    async (maxLineBytes) => {
      const { held, found } = await heldOf(maxLineBytes);
      expect(found).toEqual([tooLong, maxLineBytes === 0 ? tooLong : 2]);
      // The last one is still in the hands of those who pass it on.
      expect(held).toBeLessThanOrEqual(2);
    },
  );
});

describe('blank lines', () => {
  it('are too many when hardly anything else comes', async () => {
    const count = async (text: string): Promise<number> => {
      let found = 0;
      for await (const _line of lines(inPieces(Buffer.from(text), [65_536]), 12)) found++;
      return found;
    };
    expect(await codeOfPromise(count('\n'.repeat(20_000)))).toBe('body_too_large');
    expect(await codeOfPromise(count(' \r\n'.repeat(20_000)))).toBe('body_too_large');
    expect(await codeOfPromise(count('\n'.repeat(10_001)))).toBe('body_too_large');
    expect(await count('\n'.repeat(10_000))).toBe(0);
    expect(await count('{}\r\n\r\n'.repeat(20_000))).toBe(20_000);
  });
});

/** RFC 8878 section 3.1.2: magic number, size, and three bytes for whoever knows them. */
const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 0x28, 0xb5, 0x2f]);

describe('decodedChunks', () => {
  const text = JSON.stringify(Array.from({ length: 500 }, (_, i) => ({ i })));
  const encoded = { identity: Buffer.from(text), gzip: gzipSync(text), zstd: zstdCompressSync(text) };

  it.each(Object.entries(encoded))('reads %s', async (encoding, bytes) => {
    const body = Readable.from(inPieces(bytes, [7, 100, 1]), { objectMode: false });
    expect((await readBody(body, encoding, text.length)).toString()).toBe(text);
  });

  const signals = [
    ['without a deadline', undefined],
    ['before its deadline', new AbortController().signal],
  ] as const;
  const endings = Object.entries(encoded).flatMap(([encoding, bytes]) =>
    signals.map(([when, deadline]) => [encoding, when, bytes, deadline] as const),
  );

  /** Whether a body is there to be drained, once its answer is on its way: nothing listens to it any more. */
  async function canBeDrained(body: PassThrough): Promise<boolean> {
    await nextTurn();
    body.resume();
    return !body.destroyed && body.readableFlowing === true;
  }

  it.each(endings)(
    'ends %s at the limit, %s, and leaves the body open for its answer',
    async (encoding, _, bytes, deadline) => {
      const body = new PassThrough();
      body.write(bytes);
      const read = readBody(body, encoding, text.length - 1, undefined, deadline);
      expect(await codeOfPromise(read)).toBe('body_too_large');
      expect(await canBeDrained(body)).toBe(true);
    },
  );

  it('does not wait for a chunk beyond its deadline', async () => {
    for (const encoding of Object.keys(encoded)) {
      const deadline = new AbortController();
      const body = new PassThrough();
      const read = codeOfPromise(readBody(body, encoding, text.length, undefined, deadline.signal));
      await nextTurn();
      deadline.abort();
      expect(await read).toBe('request_timeout');
      expect(body.destroyed).toBe(false);
    }
  });

  it.each(Object.entries(encoded))('reports %s that breaks off', async (encoding, bytes) => {
    const body = new PassThrough();
    body.write(bytes.subarray(0, -5));
    setImmediate(() => body.destroy(new Error('connection lost')));
    expect(await codeOfPromise(readBody(body, encoding, text.length))).toBe('malformed_json');
  });

  it.each(['gzip', 'zstd'] as const)('reports %s that is cut short or changed', async (encoding) => {
    const bytes = encoded[encoding];
    const changed = Buffer.from(bytes);
    changed[0]! ^= 0xff;
    for (const broken of [bytes.subarray(0, -1), bytes.subarray(0, 20), changed])
      expect(
        await codeOfPromise(readBody(Readable.from([broken], { objectMode: false }), encoding, text.length)),
      ).toBe('malformed_json');
  });

  const compress = { gzip: gzipSync, zstd: zstdCompressSync } as const;
  const anyFrames = fc.record({
    encoding: fc.constantFrom('gzip' as const, 'zstd' as const),
    texts: fc.array(fc.constantFrom('', 'a', '{"i":1}\n'.repeat(9), text), { minLength: 1, maxLength: 4 }),
    sizes: fc.array(fc.constantFrom(1, 2, 7, 100, 10_000), { minLength: 1 }),
  });
  const readPieces = (bytes: Buffer, sizes: readonly number[], encoding: string): Promise<Buffer> =>
    readBody(Readable.from(inPieces(bytes, sizes), { objectMode: false }), encoding, 1_000_000);

  it('are those of all frames, however many there are and however they arrive', async () => {
    await fc.assert(
      fc.asyncProperty(anyFrames, async ({ encoding, texts, sizes }) => {
        const frames = texts.map((each) => compress[encoding](each));
        expect((await readPieces(Buffer.concat(frames), sizes, encoding)).toString()).toBe(texts.join(''));
      }),
      { numRuns: 200 },
    );
  });

  it('are refused where anything but whole frames is behind a frame', async () => {
    const another = compress.zstd('another');
    const checked = zstdCompressSync('another', { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
    const member = compress.gzip('another');
    const beginnings = [another, checked, member, skippable].flatMap((frame) =>
      Array.from(frame.keys(), (length) => frame.subarray(0, length)),
    );
    const changed = [another, checked, member].flatMap((frame) =>
      [0, 1, 2].map((at) => frame.with(at, frame[at]! ^ 1)),
    );
    const others = [...beginnings, ...changed, Buffer.from('garbage'), Buffer.alloc(1), Buffer.alloc(600)];
    await fc.assert(
      fc.asyncProperty(anyFrames, fc.constantFrom(...others), async ({ encoding, texts, sizes }, other) => {
        fc.pre(other.length > 0);
        const frames = texts.map((each) => compress[encoding](each));
        const bytes = Buffer.concat([...frames, other]);
        expect(await codeOfPromise(readPieces(bytes, sizes, encoding))).toBe('malformed_json');
        // What is between two frames, the second of which is whole.
        const between = Buffer.concat([...frames, other, compress[encoding](text)]);
        expect(await codeOfPromise(readPieces(between, sizes, encoding))).toBe('malformed_json');
      }),
      { numRuns: 500 },
    );
  });

  it('are not those of frames that zstd passes over', async () => {
    const bytes = Buffer.concat([skippable, compress.zstd('a'), skippable, compress.zstd('b'), skippable]);
    expect((await readPieces(bytes, [1], 'zstd')).toString()).toBe('ab');
  });

  it.each(endings)(
    'of %s, %s, are closed when their reader goes away',
    async (encoding, _, bytes, deadline) => {
      const body = new PassThrough();
      body.write(bytes);
      for await (const chunk of decodedChunks(body, encoding, text.length, deadline)) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      expect(body.listenerCount('data')).toBe(0);
      expect(await canBeDrained(body)).toBe(true);
    },
  );

  it('tell of what they hold while it comes', async () => {
    const body = Readable.from(inPieces(encoded.identity, [100]), { objectMode: false });
    const held: number[] = [];
    expect((await readBody(body, undefined, text.length, (bytes) => held.push(bytes))).length).toBe(
      held.reduce((sum, bytes) => sum + bytes),
    );
    expect(held.length).toBeGreaterThan(10);
  });

  it('end when what they hold has no room', async () => {
    const body = new PassThrough();
    body.write(encoded.identity);
    const hold = (): never => {
      throw new SealtrailError('overloaded');
    };
    expect(await codeOfPromise(readBody(body, undefined, text.length, hold))).toBe('overloaded');
    expect(await canBeDrained(body)).toBe(true);
  });

  it.each(['br', 'deflate', 'gzip, gzip', 'constructor', '__proto__'])(
    'refuses the encoding %s',
    async (encoding) => {
      expect(await codeOfPromise(readBody(Readable.from([]), encoding, 10))).toBe('unsupported_media_type');
    },
  );

  it('refuses a zstd window that would take more memory than a body may', async () => {
    // RFC 8878 section 3.1.1: magic number, no content size, window descriptor, one raw block of one byte.
    const frame = (windowLog: number): Buffer =>
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (windowLog - 10) << 3, 0x09, 0x00, 0x00, 0x61]);
    const read = (windowLog: number): Promise<Buffer> =>
      readBody(Readable.from([frame(windowLog)], { objectMode: false }), 'zstd', 1000);
    expect((await read(23)).toString()).toBe('a');
    expect(await codeOfPromise(read(24))).toBe('malformed_json');
  });
});
