import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { SealtrailError } from '@sealtrail/core';

// A data folder may come from anybody, to be verified or to be gone on with. Under the name of one of its files may stand
// a link to what its reader may read and nobody else, or a pipe or a device from which reading never returns.

/** Whether anything has this name, a link that leads nowhere included. */
export function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

/**
 * The size of a regular file, 0 where there is none. Opens nothing: to open a device can do something already.
 *
 * @throws SealtrailError data_folder_invalid when something else has this name
 */
export function sizeOfRegularFile(file: string): number {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isFile()) throw notRegular(file);
  return stats?.size ?? 0;
}

/**
 * Reads a text file of a data folder; undefined where there is none.
 *
 * @throws SealtrailError data_folder_invalid when it is no regular file, or larger than such a file ever is
 */
export function readRegularFile(file: string, maxBytes: number): string | undefined {
  if (!isThere(file)) return undefined;
  return withRegularFile(file, (fd, size) => {
    if (size > maxBytes)
      throw new SealtrailError(
        'data_folder_invalid',
        `${file} has ${size} bytes, and such a file never has more than ${maxBytes}; it was not read`,
      );
    return readStart(fd, size).toString('utf8');
  });
}

/** The first bytes of a regular file, fewer where it is shorter. @throws as {@link readRegularFile} */
export function startOfRegularFile(file: string, bytes: number): Uint8Array {
  return withRegularFile(file, (fd, size) => readStart(fd, Math.min(bytes, size)));
}

function withRegularFile<T>(file: string, read: (fd: number, size: number) => T): T {
  sizeOfRegularFile(file);
  // What was exchanged for a link or a pipe meanwhile is not followed and not waited for. Windows knows neither flag, and
  // undefined counts as 0 here.
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw notRegular(file);
    return read(fd, stats.size);
  } finally {
    closeSync(fd);
  }
}

/** Never more than was asked for: a file may grow meanwhile. */
function readStart(fd: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  let read = 0;
  for (let got = -1; got !== 0 && read < bytes; read += got)
    got = readSync(fd, buffer, read, bytes - read, null);
  return buffer.subarray(0, read);
}

const notRegular = (file: string): SealtrailError =>
  new SealtrailError(
    'data_folder_invalid',
    `${file} is a link, a folder, a pipe or a device, not a regular file, and was not opened`,
  );
