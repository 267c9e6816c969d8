import { SealtrailError } from '@sealtrail/core';
import type { Failure } from '../sequencer/protocol.ts';

/** Codes of SQLite and of the operating system. */
const systemCode = /^(?:SQLITE_|E[A-Z]+$)/;
const fullOrFailing = /^(?:SQLITE_FULL|SQLITE_IOERR|ENOSPC$|EDQUOT$|EIO$)/;

/**
 * An error in a form that crosses threads. What is no {@link SealtrailError} keeps its class, code and place, not its
 * message, which could quote an event.
 */
export function failureOf(error: unknown): Failure {
  if (error instanceof SealtrailError) return { code: error.code, message: error.message };
  const name = error instanceof Error ? error.name : typeof error;
  const code = errorCode(error) ?? '';
  const place = error instanceof Error ? (/\(?([^()\s]*:\d+:\d+)\)?/.exec(error.stack ?? '')?.[1] ?? '') : '';
  return { code: 'internal', message: ['unexpected', name, code, place].filter(Boolean).join(' ') };
}

/** As {@link failureOf}, for writes: errors of SQLite and the file system mean that the disk takes no more for now. */
export function storageFailure(error: unknown): Failure {
  const code = errorCode(error);
  if (error instanceof SealtrailError || !code || !systemCode.test(code)) return failureOf(error);
  return {
    code: 'storage_unavailable',
    message: `the log could not be written (${code}); nothing was acknowledged, send it again later`,
  };
}

/** As {@link failureOf}, for what happens while the log is opened. */
export function startFailure(error: unknown): Failure {
  const code = errorCode(error);
  if (error instanceof SealtrailError || !code || !systemCode.test(code)) return failureOf(error);
  return {
    code: fullOrFailing.test(code) ? 'storage_unavailable' : 'data_folder_invalid',
    message: `the data folder cannot be used (${code}); check its owner, its mode and the space left, and that its files are whole`,
  };
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
