import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { KeyStore } from '../../ports.ts';
import { type DataFolder, writeDurably } from './data-folder.ts';

const policyHead = `# Trust policy of this data folder (C2SP tlog-policy). Copy it to where you verify from, and keep it there:
#   sealtrail verify --data DIR --policy COPY
# Each log line is the verifier key of one trail, in the order in which the trails were made.
quorum none
`;

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

  create(trail: string, skey: string): void {
    const file = this.#file(trail);
    if (!existsSync(file)) writeDurably(file, `${skey}\n`, 0o600);
  }

  trust(vkeys: readonly string[]): void {
    const { policy } = this.#folder;
    const text = existsSync(policy) ? readFileSync(policy, 'utf8') : policyHead;
    const known = new Set(text.split('\n'));
    const added = vkeys.map((vkey) => `log ${vkey}`).filter((line) => !known.has(line));
    if (added.length === 0) return;
    const complete = text.endsWith('\n') ? text : `${text}\n`;
    writeDurably(policy, `${complete}${added.join('\n')}\n`, 0o644);
  }

  /** Trail names are safe as file names: see `trailName` in core. */
  #file(trail: string): string {
    return path.join(this.#folder.keys, `${trail}.key`);
  }
}
