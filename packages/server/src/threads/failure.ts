import { SealtrailError } from '@sealtrail/core';
import { diskFailure, systemCodeOf } from '../adapters/disk-failure.ts';
import type { Failure } from '../sequencer/protocol.ts';

/**
 * An error in a form that crosses threads. What is no {@link SealtrailError} keeps its class, code and place, not its
 * message, which could quote an event.
 */
export function failureOf(error: unknown): Failure {
  if (error instanceof SealtrailError) {
    const { code, message, details } = error;
    return { code, message, ...(details.length > 0 && { details }) };
  }
  const name = error instanceof Error ? error.name : typeof error;
  const code = errorCode(error) ?? '';
  const place = error instanceof Error ? (/\(?([^()\s]*:\d+:\d+)\)?/.exec(error.stack ?? '')?.[1] ?? '') : '';
  return { code: 'internal', message: ['unexpected', name, code, place].filter(Boolean).join(' ') };
}

/** As {@link failureOf}, for writes: errors of SQLite and the file system mean that the disk takes no more for now. */
export function storageFailure(error: unknown): Failure {
  const code = systemCodeOf(error);
  if (code === undefined) return failureOf(error);
  return {
    code: 'storage_unavailable',
    message: `the log could not be written (${code}); nothing was acknowledged, send it again later`,
  };
}

/** As {@link failureOf}, for what happens while a data folder is opened. */
export function startFailure(dir: string, error: unknown): Failure {
  const code = systemCodeOf(error);
  if (code === undefined) return failureOf(error);
  const failure = diskFailure(dir, error);
  return failure
    ? failureOf(failure)
    : {
        code: 'data_folder_invalid',
        message: `${dir} cannot be used (${code}); check its owner and its mode, and that its files are whole`,
      };
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
