import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Writes or replaces a file durably: after a crash it holds the old text or the new one, never a part. */
export function writeDurably(file: string, text: string, mode: number): void {
  const temporary = `${file}.new`;
  // What stands there may be a link: to write through it would change a file elsewhere.
  rmSync(temporary, { force: true });
  try {
    writeSynced(openSync(temporary, 'wx', mode), text);
    renameSync(temporary, file);
  } catch (error) {
    // It may hold a key, and on a full disk it takes the place that others need.
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(path.dirname(file));
}

/** Writes so many bytes to a file of its own, syncs and removes it: throws where there is no room for them. */
export function probeSpace(file: string, bytes: number): void {
  rmSync(file, { force: true });
  try {
    // Not zeros, which some file systems keep without taking room.
    writeSynced(openSync(file, 'wx', 0o600), randomBytes(bytes));
  } finally {
    rmSync(file, { force: true });
  }
}

/** Adds to a regular file; durable when it returns. */
export function appendDurably(file: string, text: string): void {
  writeSynced(openSync(file, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW), text);
}

/** Writes to a file that is open, syncs and closes it. */
function writeSynced(fd: number, text: string | Uint8Array): void {
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Gives a synced file its name, in the place of what had it. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(path.dirname(to));
}

/** Makes created, renamed and removed names durable. Windows has no such call. */
export function syncFolder(dir: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
