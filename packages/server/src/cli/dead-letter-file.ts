import { once } from 'node:events';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { SealtrailError } from '@sealtrail/core';
import type { DeadLine } from './import-file.ts';

/** Where dead letters go. */
export interface DeadLetterFile extends AsyncDisposable {
  add(line: DeadLine): void;
  /** Resolves when there is room for more. */
  drained(): Promise<void>;
  /** Resolves when all of them are in the file. @throws SealtrailError storage_unavailable */
  written(): Promise<void>;
}

const nothing = async (): Promise<void> => {};

/**
 * Opens the file of dead letters, in the place of one that is there. It may hold personal data: only its owner reads it.
 *
 * @throws SealtrailError invalid_parameter
 */
export async function openDeadLetters(file: string | undefined, input: string): Promise<DeadLetterFile> {
  if (file === undefined)
    return { add: () => {}, drained: nothing, written: nothing, [Symbol.asyncDispose]: nothing };
  if (input !== '-' && (await realpath(file).catch(() => undefined)) === (await realpath(input)))
    throw new SealtrailError('invalid_parameter', '--dead-letters: expected another file than the log');
  let handle: FileHandle;
  try {
    handle = await open(file, 'w', 0o600);
    // One that was there keeps the mode that it had.
    await handle.chmod(0o600);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new SealtrailError('invalid_parameter', `--dead-letters: ${file} cannot be written (${reason})`, {
      cause,
    });
  }
  const stream = handle.createWriteStream();
  let failure: Error | undefined;
  stream.on('error', (error) => {
    failure = error;
  });
  const written = async (): Promise<void> => {
    await new Promise<void>((resolve) => (failure ? resolve() : stream.end(resolve)));
    if (failure)
      throw new SealtrailError('storage_unavailable', `${file} could not be written`, { cause: failure });
  };
  return {
    add: (line) => void stream.write(`${JSON.stringify(line)}\n`),
    drained: async () => {
      if (stream.writableNeedDrain && !failure)
        await Promise.race([once(stream, 'drain'), once(stream, 'close')]).catch(() => {});
    },
    written,
    [Symbol.asyncDispose]: async () => {
      // After a failure of the import the letters so far are kept all the same.
      if (!stream.writableEnded && !failure) await written();
    },
  };
}
