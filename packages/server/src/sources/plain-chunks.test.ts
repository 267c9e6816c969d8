import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { codeOfPromise } from '../testing/code-of.ts';
import { plainChunks } from './plain-chunks.ts';

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

async function read(bytes: Uint8Array, size = 7, maxBytes?: number): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of plainChunks(chunked(bytes, size), maxBytes)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const text = 'line\n'.repeat(1000);

describe('plainChunks', () => {
  it('gives what is not compressed as it is', async () => {
    for (const given of ['', 'a', text]) expect(await read(Buffer.from(given))).toBe(given);
    expect(await read(Buffer.from([0x1f, 0x61]), 1)).toBe('\u001fa');
  });

  it('decompresses gzip, in whatever chunks, and of several members', async () => {
    const compressed = Buffer.concat([gzipSync(text), gzipSync('end')]);
    for (const size of [1, 2, 1000]) expect(await read(compressed, size)).toBe(`${text}end`);
  });

  it('refuses gzip that was cut, or that becomes too much', async () => {
    const compressed = gzipSync(text);
    expect(await codeOfPromise(read(compressed.subarray(0, -9)))).toBe('malformed_json');
    expect(await codeOfPromise(read(gzipSync(Buffer.alloc(1_000_000)), 7, 10_000))).toBe('body_too_large');
  });

  it('closes what it reads from when nobody reads on', async () => {
    let isClosed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.from('x');
      } finally {
        isClosed = true;
      }
    }
    for await (const _chunk of plainChunks(endless())) break;
    expect(isClosed).toBe(true);
  });
});
