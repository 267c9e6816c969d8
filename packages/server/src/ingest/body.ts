import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { SealtrailError } from '@sealtrail/core';

/** Content encodings that request bodies may have. */
const decoders = {
  gzip: () => createGunzip(),
  // A window of 8 MiB, what encoders use up to level 19; a larger one is memory that the sender chooses.
  zstd: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 23 } }),
} as const;

/**
 * The decoded body as chunks, with its decoded size bounded while it is read: a bomb ends at the limit.
 *
 * @throws SealtrailError unsupported_media_type | body_too_large | malformed_json
 */
export async function* decodedChunks(
  body: Readable,
  encoding: string | undefined,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  const name = encoding?.trim().toLowerCase() || 'identity';
  let source: Readable = body;
  if (name !== 'identity') {
    if (!Object.hasOwn(decoders, name)) {
      throw new SealtrailError(
        'unsupported_media_type',
        `expected a content encoding of ${Object.keys(decoders).join(', ')} or none`,
      );
    }
    // Errors surface through the iteration below.
    source = pipeline(body, decoders[name as keyof typeof decoders](), () => {});
  }
  let size = 0;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes)
        throw new SealtrailError(
          'body_too_large',
          `expected a body of at most ${maxBytes} bytes, after decompression`,
        );
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof SealtrailError) throw cause;
    if (name === 'identity')
      throw new SealtrailError('malformed_json', 'the request body ended early', { cause });
    throw new SealtrailError('malformed_json', `the request body is not valid ${name}`, { cause });
  } finally {
    if (source !== body) source.destroy();
  }
}

/** The whole decoded body. @throws as {@link decodedChunks} */
export async function readBody(
  body: Readable,
  encoding: string | undefined,
  maxBytes: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of decodedChunks(body, encoding, maxBytes)) chunks.push(chunk);
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

const LINE_FEED = 0x0a;

/**
 * The lines of a body that arrives in chunks, without their line feeds. Blank lines are passed over.
 *
 * @throws SealtrailError body_too_large when a line is longer than `maxLineBytes`
 */
export async function* lines(chunks: AsyncIterable<Buffer>, maxLineBytes: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = data.indexOf(LINE_FEED, rest.length); end >= 0; end = data.indexOf(LINE_FEED)) {
      if (!isBlank(data, end)) yield data.subarray(0, end);
      data = data.subarray(end + 1);
    }
    if (data.length > maxLineBytes)
      throw new SealtrailError('body_too_large', `expected lines of at most ${maxLineBytes} bytes`);
    rest = data;
  }
  if (!isBlank(rest, rest.length)) yield rest;
}

function isBlank(data: Buffer, end: number): boolean {
  for (let i = 0; i < end; i++) {
    const byte = data[i]!;
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  }
  return true;
}
