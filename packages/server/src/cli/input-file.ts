import { type FileHandle, open } from 'node:fs/promises';
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
