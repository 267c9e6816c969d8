import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { codeOfPromise } from '../testing/code-of.ts';
import { PlainChunks } from './plain-chunks.ts';

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

async function read(bytes: Uint8Array, size = 7, maxBytes?: number): Promise<string> {
  const chunks: Buffer[] = [];
  const plain = new PlainChunks(chunked(bytes, size), maxBytes);
  for await (const chunk of plain) chunks.push(chunk);
  expect(plain.fault).toBeUndefined();
  return Buffer.concat(chunks).toString();
}

const text = 'line\n'.repeat(1000);

/** What is read of gzip that is not good to its end, and what is said of it. */
async function readBad(bytes: Uint8Array, size: number): Promise<{ text: string; message: string }> {
  const plain = new PlainChunks(chunked(bytes, size));
  const chunks: Buffer[] = [];
  for await (const chunk of plain) chunks.push(chunk);
  expect(plain.fault?.code).toBe('malformed_json');
  return { text: Buffer.concat(chunks).toString(), message: plain.fault!.message };
}

describe('PlainChunks', () => {
  it('gives what is not compressed as it is', async () => {
    for (const given of ['', 'a', text]) expect(await read(Buffer.from(given))).toBe(given);
    expect(await read(Buffer.from([0x1f, 0x61]), 1)).toBe('\u001fa');
  });

  it('decompresses gzip, in whatever chunks, and of several members', async () => {
    const compressed = Buffer.concat([gzipSync(text), gzipSync('end')]);
    for (const size of [1, 2, 1000]) expect(await read(compressed, size)).toBe(`${text}end`);
  });

  it.each([7, 1000, 1_000_000])(
    'gives all that comes before a fault, and says where, in chunks of %i',
    async (size) => {
      const lines = Array.from({ length: 3000 }, (_, i) => `${i * 7919}\n`).join('');
      const compressed = gzipSync(lines);
      const cut = await readBad(compressed.subarray(0, -9), size);
      expect(lines.startsWith(cut.text)).toBe(true);
      expect(cut.text.length).toBeGreaterThan(lines.length - 1000);
      expect(cut.message).toContain(`at byte ${compressed.length - 9}, ${cut.text.length} bytes`);
      const half = await readBad(compressed.subarray(0, compressed.length / 2), size);
      expect(lines.startsWith(half.text)).toBe(true);
      expect(half.text.length).toBeGreaterThan(lines.length / 4);
      for (const behind of ['garbage', '\0', '\u001f', '\0garbage'.repeat(3000)]) {
        const followed = await readBad(Buffer.concat([compressed, Buffer.from(behind)]), size);
        expect(followed.text).toBe(lines);
        expect(followed.message).toMatch(/at byte \d+, /);
      }
      const second = Buffer.concat([compressed, Buffer.from([0x1f, 0x8b, 1, 2, 3])]);
      expect((await readBad(second, size)).text).toBe(lines);
      const sum = Buffer.from(compressed);
      sum[sum.length - 5]! ^= 1;
      expect((await readBad(sum, size)).text).toBe(lines);
    },
  );

  it('says nothing of a request where gzip is none', async () => {
    const { text: found, message } = await readBad(Buffer.from([0x1f, 0x8b, 1, 2, 3]), 2);
    expect(found).toBe('');
    expect(message).not.toMatch(/request|body/);
  });

  it('refuses what becomes too much', async () => {
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
    for await (const _chunk of new PlainChunks(endless())) break;
    expect(isClosed).toBe(true);
  });
});
