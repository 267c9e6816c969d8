import { finished, type Readable, type Transform } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { SealtrailError, ZstdFrames } from '@sealtrail/core';

/** A decoder, and what tells whether its frames are all that has come in. */
interface Decoding {
  readonly decoder: Transform;
  /** Told of the bytes that come in. */
  readonly see: (chunk: Uint8Array) => void;
  /** Once the decoder has ended: it does so too where what follows a frame is none, and does not tell. */
  readonly isComplete: () => boolean;
}

/** Content encodings that request bodies may have: gzip members or zstd frames, one or more. */
const encodings = {
  gzip(): Decoding {
    const decoder = createGunzip();
    let received = 0;
    return {
      decoder,
      see: (chunk) => {
        received += chunk.length;
      },
      // It passes over what follows a null byte (RFC 1952 does not know of such padding).
      isComplete: () => decoder.bytesWritten === received,
    };
  },
  zstd(): Decoding {
    const frames = new ZstdFrames();
    return {
      // A window of 8 MiB, what encoders use up to level 19; a larger one is memory that the sender chooses.
      decoder: createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 23 } }),
      see: (chunk) => frames.see(chunk),
      isComplete: () => frames.areComplete,
    };
  },
} as const;

/**
 * The decoded body as chunks, with its decoded size bounded while it is read: a bomb ends at the limit. The body itself
 * is left open however this ends, since destroying it would close the connection that the answer goes out on.
 *
 * @param deadline ends the reading of a body that is still arriving
 * @throws SealtrailError unsupported_media_type | body_too_large | malformed_json | request_timeout
 */
export async function* decodedChunks(
  body: Readable,
  encoding: string | undefined,
  maxBytes: number,
  deadline?: AbortSignal,
): AsyncGenerator<Buffer> {
  const name = encoding?.trim().toLowerCase() || 'identity';
  const decoding = name === 'identity' ? undefined : decode(body, name);
  const chunks = until(deadline, (decoding?.decoder ?? body).iterator({ destroyOnReturn: false }));
  let size = 0;
  try {
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > maxBytes)
        throw new SealtrailError(
          'body_too_large',
          `expected a body of at most ${maxBytes} bytes, after decompression`,
        );
      yield chunk;
    }
    if (decoding && !decoding.isComplete())
      throw new SealtrailError(
        'malformed_json',
        `the request body is not valid ${name}: expected nothing behind its last frame`,
      );
  } catch (cause) {
    if (cause instanceof SealtrailError) throw cause;
    const message =
      decoding && !body.errored ? `the request body is not valid ${name}` : 'the request body ended early';
    throw new SealtrailError('malformed_json', message, { cause });
  } finally {
    if (decoding) {
      body.off('data', decoding.see);
      body.unpipe(decoding.decoder);
      decoding.decoder.destroy();
    }
  }
}

/** What an iterator gives, until the signal ends it, also while it is waited for. @throws SealtrailError request_timeout */
async function* until(
  deadline: AbortSignal | undefined,
  chunks: NodeJS.AsyncIterator<Buffer>,
): AsyncGenerator<Buffer> {
  if (deadline === undefined) {
    yield* chunks;
    return;
  }
  const ended = Promise.withResolvers<never>();
  // It may end when nobody waits any more.
  ended.promise.catch(() => {});
  const end = (): void =>
    ended.reject(new SealtrailError('request_timeout', 'the request body took too long to arrive'));
  deadline.addEventListener('abort', end, { once: true });
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), ended.promise]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    deadline.removeEventListener('abort', end);
    // So that what is left of the body can be drained. A chunk that may never come is not waited for.
    await Promise.race([chunks.return?.(), ended.promise]).catch(() => {});
  }
}

/** Begins to decode a body; the decoder ends with an error when the body does. */
function decode(body: Readable, encoding: string): Decoding {
  if (!Object.hasOwn(encodings, encoding)) {
    throw new SealtrailError(
      'unsupported_media_type',
      `expected a content encoding of ${Object.keys(encodings).join(', ')} or none`,
    );
  }
  const decoding = encodings[encoding as keyof typeof encodings]();
  finished(body, { writable: false }, (error) => error && decoding.decoder.destroy(error));
  body.on('data', decoding.see);
  body.pipe(decoding.decoder);
  return decoding;
}

/**
 * The whole decoded body.
 *
 * @param hold told of the bytes that stay in memory, as they come
 * @throws as {@link decodedChunks}, and as `hold` does
 */
export async function readBody(
  body: Readable,
  encoding: string | undefined,
  maxBytes: number,
  hold: (bytes: number) => void = () => {},
  deadline?: AbortSignal,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of decodedChunks(body, encoding, maxBytes, deadline)) {
    hold(chunk.length);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/** Stands for a line that is longer than allowed; its bytes have been passed over. */
export const tooLong: unique symbol = Symbol('tooLong');

const LINE_FEED = 0x0a;

/** Blank lines beyond one for each other line: a body of nothing else inflates from next to nothing. */
const maxBlankLines = 10_000;

/**
 * The lines of a body that arrives in chunks, without their line feeds. Blank lines are passed over.
 *
 * @throws SealtrailError body_too_large, when too many are blank; what the chunks throw
 */
export async function* lines(
  chunks: AsyncIterable<Buffer>,
  maxLineBytes: number,
): AsyncGenerator<Buffer | typeof tooLong> {
  const line = new GrowingLine(maxLineBytes);
  let blankLeft = maxBlankLines;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      line.add(chunk.subarray(start, end));
      start = end + 1;
      const taken = line.take();
      if (taken === tooLong || !isBlank(taken)) {
        blankLeft++;
        yield taken;
      } else if (--blankLeft < 0) {
        throw new SealtrailError('body_too_large', 'expected fewer blank lines');
      }
    }
    line.add(chunk.subarray(start));
  }
  const last = line.take();
  if (last === tooLong || !isBlank(last)) yield last;
}

/** A line whose pieces arrive one by one: joined once, when it is complete. */
class GrowingLine {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length > this.#maxBytes) this.#pieces = [];
    else if (piece.length > 0) this.#pieces.push(piece);
  }

  take(): Buffer | typeof tooLong {
    const [pieces, length] = [this.#pieces, this.#length];
    this.#pieces = [];
    this.#length = 0;
    if (length > this.#maxBytes) return tooLong;
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }
}

const isBlank = (line: Buffer): boolean =>
  line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
