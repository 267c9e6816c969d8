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
    const text = this.#readPolicy();
    const known = keysIn(text);
    const added = vkeys.filter((vkey) => !known.has(vkey)).map((vkey) => `log ${vkey}\n`);
    if (added.length === 0) return;
    writeDurably(this.#folder.policy, [text.endsWith('\n') ? text : `${text}\n`, ...added].join(''), 0o644);
  }

  isTrusted(vkey: string): boolean {
    return keysIn(this.#readPolicy()).has(vkey);
  }

  #readPolicy(): string {
    return existsSync(this.#folder.policy) ? readFileSync(this.#folder.policy, 'utf8') : policyHead;
  }

  /** Trail names are safe as file names: see `trailName` in core. */
  #file(trail: string): string {
    return path.join(this.#folder.keys, `${trail}.key`);
  }
}

/** Verifier keys of logs in a policy. The operator may have added a URL behind a key, witnesses and a quorum. */
const keysIn = (policy: string): ReadonlySet<string | undefined> =>
  new Set([...policy.matchAll(/^[ \t]*log[ \t]+(\S+)/gm)].map(([, vkey]) => vkey));
