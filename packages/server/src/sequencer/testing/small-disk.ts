import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A file system in memory with room for a few megabytes, so that a disk can really be full. */
export class SmallDisk implements Disposable {
  readonly dir: string;

  /** @throws when this process may not mount */
  constructor(megabytes: number) {
    this.dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'sealtrail-test', this.dir], {
        stdio: 'ignore',
      });
    } catch (error) {
      rmSync(this.dir, { recursive: true });
      throw error;
    }
  }

  /** Leaves not a byte, or so many. */
  fill(left = 0): void {
    const fd = openSync(this.#ballast, 'a');
    try {
      for (let size = 1 << 20; size >= 1; size >>= 1) {
        try {
          while (writeSync(fd, new Uint8Array(size)) === size);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      }
    } finally {
      closeSync(fd);
    }
    if (left > 0) truncateSync(this.#ballast, statSync(this.#ballast).size - left);
  }

  /** As a file system becomes that has met an error. */
  makeReadOnly(): void {
    execFileSync('mount', ['-o', 'remount,ro', this.dir]);
  }

  makeWritable(): void {
    execFileSync('mount', ['-o', 'remount,rw', this.dir]);
  }

  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  get #ballast(): string {
    return path.join(this.dir, 'ballast');
  }

  [Symbol.dispose](): void {
    execFileSync('umount', [this.dir]);
    rmSync(this.dir, { recursive: true });
  }

  /** Whether this process may mount one. */
  static isPossible(): boolean {
    if (process.platform !== 'linux' || process.geteuid?.() !== 0) return false;
    try {
      new SmallDisk(1)[Symbol.dispose]();
      return true;
    } catch {
      return false;
    }
  }
}
