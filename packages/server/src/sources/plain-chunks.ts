import { SealtrailError } from '@sealtrail/core';
import { type GzipFault, gunzip } from './gunzip.ts';

const GZIP_MAGIC = [0x1f, 0x8b];

/**
 * The bytes of an input, decompressed where they are gzip, as the files of many logs are. What is not is passed on as it
 * comes. To be read once.
 *
 * Gzip that is cut short, broken or followed by something else ends where it does, and {@link fault} then says so: what
 * came before is good.
 */
export class PlainChunks {
  readonly #chunks: AsyncIterable<Uint8Array>;
  readonly #maxBytes: number;
  #fault: SealtrailError | undefined;

  /** @param maxBytes of what they decompress to */
  constructor(chunks: AsyncIterable<Uint8Array>, maxBytes: number = Number.POSITIVE_INFINITY) {
    this.#chunks = chunks;
    this.#maxBytes = maxBytes;
  }

  /** Why they ended before their end: malformed_json. Known once all have been read. */
  get fault(): SealtrailError | undefined {
    return this.#fault;
  }

  /** @throws SealtrailError body_too_large; what the chunks throw */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const iterator = this.#chunks[Symbol.asyncIterator]();
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
    if (isGzip) yield* this.#decompressed(all);
    else yield* all;
  }

  async *#decompressed(compressed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const pieces = gunzip(compressed);
    let bytes = 0;
    try {
      for (;;) {
        const next = await pieces.next();
        if (next.done) {
          if (next.value) this.#fault = faultOf(next.value, bytes);
          return;
        }
        bytes += next.value.length;
        if (bytes > this.#maxBytes)
          throw new SealtrailError(
            'body_too_large',
            `expected at most ${this.#maxBytes} bytes, after decompression`,
          );
        yield next.value;
      }
    } finally {
      await pieces.return(undefined);
    }
  }
}

const faults: Readonly<Record<GzipFault['is'], string>> = {
  cut: 'ends early',
  followed: 'is followed by something else',
  broken: 'is not valid',
};

const faultOf = ({ is, at, cause }: GzipFault, bytes: number): SealtrailError =>
  new SealtrailError(
    'malformed_json',
    `expected gzip to its end: it ${faults[is]} at byte ${at}, ${bytes} bytes after decompression; whole records before that are imported`,
    { cause },
  );

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
