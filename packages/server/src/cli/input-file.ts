import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { SealtrailError } from '@sealtrail/core';

/**
 * Opens a file for reading; its pieces come as they are asked for.
 *
 * @throws SealtrailError invalid_parameter when it cannot be read, also while it is being read
 */
export async function openInput(file: string): Promise<AsyncIterable<Uint8Array>> {
  const unreadable = (cause: unknown): SealtrailError =>
    new SealtrailError(
      'invalid_parameter',
      `expected a file that can be read, got ${file} (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`,
      { cause },
    );
  let handle: FileHandle | undefined;
  try {
    handle = await open(file);
    // A folder can be opened, and fails only when it is read.
    if ((await handle.stat()).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    return piecesOf(handle.createReadStream(), unreadable);
  } catch (cause) {
    await handle?.close();
    throw unreadable(cause);
  }
}

/**
 * A short text out of a file, or with `-` out of standard input.
 *
 * @throws SealtrailError invalid_parameter when it cannot be read, is too long or is no UTF-8
 */
export async function readText(
  file: string,
  { stdin }: { readonly stdin: Readable },
  maxBytes: number,
): Promise<string> {
  const name = file === '-' ? 'standard input' : file;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const piece of file === '-' ? stdin : await openInput(file)) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > maxBytes)
        throw new SealtrailError('invalid_parameter', `expected at most ${maxBytes} bytes in ${name}`);
    }
  } finally {
    // A terminal or a pipe that goes on would keep the process.
    if (file === '-') stdin.destroy();
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces));
  } catch (cause) {
    throw new SealtrailError('invalid_parameter', `expected text in UTF-8 in ${name}`, { cause });
  }
}

async function* piecesOf(
  stream: AsyncIterable<Uint8Array>,
  errorOf: (cause: unknown) => Error,
): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (cause) {
    throw errorOf(cause);
  }
}
