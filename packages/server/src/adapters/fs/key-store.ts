import { existsSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import type { KeyStore } from '../../ports.ts';
import { appendPolicy, type DataFolder, readPolicy, syncFolder, writeDurably } from './data-folder.ts';

/** Signing keys as files of mode 0600, one a trail; their verifier keys go into the folder's trust policy. */
export class FsKeyStore implements KeyStore {
  readonly #folder: DataFolder;

  constructor(folder: DataFolder) {
    this.#folder = folder;
  }

  read(trail: string): string | undefined {
    const file = this.#file(trail);
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
  }

  create(trail: string, skey: string, vkey: string): void {
    const file = this.#file(trail);
    if (!existsSync(file)) {
      const temporary = `${file}.new`;
      writeDurably(temporary, `${skey}\n`, 0o600);
      renameSync(temporary, file);
      syncFolder(this.#folder.keys);
    }
    if (!readPolicy(this.#folder).split('\n').includes(`log ${vkey}`)) appendPolicy(this.#folder, vkey);
  }

  /** Trail names are safe as file names: see `trailName` in core. */
  #file(trail: string): string {
    return path.join(this.#folder.keys, `${trail}.key`);
  }
}
