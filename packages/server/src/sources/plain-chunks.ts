import { Readable } from 'node:stream';
import { decodedChunks } from '../ingest/body.ts';

const GZIP_MAGIC = [0x1f, 0x8b];

/**
 * The bytes of an input, decompressed where they are gzip, as the files of many logs are. What is not is passed on as it
 * comes.
 *
 * @param maxBytes of what they decompress to
 * @throws SealtrailError body_too_large | malformed_json for gzip that is none; what the chunks throw
 */
export async function* plainChunks(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer> {
  const iterator = chunks[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let length = 0;
  while (length < GZIP_MAGIC.length) {
    const next = await iterator.next();
    if (next.done) break;
    head.push(bufferOf(next.value));
    length += next.value.length;
  }
  const isGzip = GZIP_MAGIC.every((byte, i) => Buffer.concat(head)[i] === byte);
  const all = restOf(head, iterator);
  if (!isGzip) {
    yield* all;
    return;
  }
  const compressed = Readable.from(all, { objectMode: false });
  try {
    yield* decodedChunks(compressed, 'gzip', maxBytes);
  } finally {
    compressed.destroy();
  }
}

async function* restOf(head: readonly Buffer[], iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Buffer> {
  try {
    yield* head;
    for (let next = await iterator.next(); !next.done; next = await iterator.next())
      yield bufferOf(next.value);
  } finally {
    await iterator.return?.();
  }
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
