import { statfsSync } from 'node:fs';
import path from 'node:path';
import { SealtrailError } from '@sealtrail/core';

/** Codes of SQLite and of the operating system. */
const systemCode = /^(?:SQLITE_|E[A-Z]+$)/;
const full = /^(?:SQLITE_FULL|ENOSPC$|EDQUOT$)/;
/** What SQLite says of a full disk too, where it cannot make or grow a file beside a database. */
const fullOrFailing = /^(?:SQLITE_IOERR|EIO$)/;
const fullOrForbidden = /^SQLITE_CANTOPEN/;
/** Less is no space: opening a data folder takes some hundred kilobytes. */
const minFreeBytes = 1024 * 1024;

/** Seconds after which it makes sense to send again what could not be written. */
const retryAfterSeconds = 5;

/** The code of an error of SQLite or of the operating system; undefined of any other. */
export function systemCodeOf(error: unknown): string | undefined {
  if (error instanceof SealtrailError || !(error instanceof Error && 'code' in error)) return undefined;
  return typeof error.code === 'string' && systemCode.test(error.code) ? error.code : undefined;
}

/** Whether the file system of a file or folder, which need not be there, has no space to speak of. */
export function lacksSpace(place: string): boolean {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(place);
    return bavail * bsize < minFreeBytes || (files > 0 && ffree === 0);
  } catch {
    const above = path.dirname(place);
    return above !== place && lacksSpace(above);
  }
}

/** That there is no space for a file or folder, and what to do. */
export function noSpaceFor(place: string, cause: unknown): SealtrailError {
  const code = systemCodeOf(cause);
  return new SealtrailError(
    'storage_unavailable',
    `there is no space left for ${place}${code === undefined ? '' : ` (${code})`}: make room on its file system, and try again`,
    { cause, retryAfterSeconds },
  );
}

/** Why something in a data folder cannot be used, where the reason is the disk; undefined where it is another. */
export function diskFailure(place: string, cause: unknown): SealtrailError | undefined {
  const code = systemCodeOf(cause);
  if (code === undefined) return undefined;
  if (full.test(code)) return noSpaceFor(place, cause);
  const isFailing = fullOrFailing.test(code);
  if ((isFailing || fullOrForbidden.test(code)) && lacksSpace(place)) return noSpaceFor(place, cause);
  return isFailing
    ? new SealtrailError(
        'storage_unavailable',
        `the disk does not read or write ${place} (${code}): see what the system says about it`,
        { cause, retryAfterSeconds },
      )
    : undefined;
}

/** What a write fails with that may succeed later: whatever SQLite and the file system say, the disk takes no more for now. */
export function writeFailure(what: string, cause: unknown): unknown {
  const code = systemCodeOf(cause);
  if (code === undefined) return cause;
  return new SealtrailError(
    'storage_unavailable',
    `${what} could not be written (${code}); try again later`,
    { cause, retryAfterSeconds },
  );
}
