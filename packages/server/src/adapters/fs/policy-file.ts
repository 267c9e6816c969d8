import { lstatSync } from 'node:fs';
import { parsePolicy, SealtrailError, type TrustPolicy } from '@sealtrail/core';
import type { WriteFault } from '../../ports.ts';
import { appendDurably, writeDurably } from '../durable-file.ts';
import { readRegularFile } from '../regular-file.ts';

/** What a policy may have in characters, four bytes each. */
const maxPolicyBytes = 64_000_000;

const head = `# Trust policy of this data folder (C2SP tlog-policy). Copy it to where you verify from, and keep it there:
#   sealtrail verify --data DIR --policy COPY
# Each log line is the verifier key of one trail, in the order in which the trails were made.
quorum none
`;

/**
 * The trust policy of a data folder, as its server keeps it: a new trail adds a line at the end, whatever the number of
 * trails. The operator may edit the file at any time, to add addresses, witnesses and a quorum.
 *
 * A crash or a full disk can leave a part of a last line. The line feed tells: every line of ours ends with one. The next
 * addition, at the latest that of the next start, writes the file anew without the part.
 */
export class PolicyFile {
  readonly #file: string;
  readonly #fault: WriteFault;
  /** Verifier keys of logs in the file, as of `#version`. */
  #keys: Set<string> = new Set();
  /** Size and times of the file when it was last read or written; undefined while there is none. */
  #version: string | undefined;
  #endsWithLine = false;
  /** True while it is not known whether what was last written is on the disk. */
  #isDoubtful = false;

  constructor(file: string, fault: WriteFault = () => {}) {
    this.#file = file;
    this.#fault = fault;
  }

  has(vkey: string): boolean {
    this.#refresh();
    return this.#keys.has(vkey);
  }

  /** Verifier keys of logs. */
  keys(): readonly string[] {
    this.#refresh();
    return [...this.#keys];
  }

  /** Adds verifier keys of logs, in this order, unless the policy has them. Durable when it returns. */
  add(vkeys: readonly string[]): void {
    this.#refresh();
    const missing = vkeys.filter((vkey) => !this.#keys.has(vkey));
    if (missing.length === 0 && !this.#isDoubtful) return;
    const lines = missing.map((vkey) => `log ${vkey}\n`);
    const canAppend = this.#version !== undefined && this.#endsWithLine && !this.#isDoubtful;
    this.#isDoubtful = true;
    this.#fault('trust', 'before');
    if (canAppend) appendDurably(this.#file, lines.join(''));
    else writeDurably(this.#file, `${this.#wholeLines(lines)}${lines.join('')}`, 0o644);
    this.#fault('trust', 'after');
    this.#isDoubtful = false;
    for (const vkey of missing) this.#keys.add(vkey);
    this.#endsWithLine = true;
    this.#version = versionOf(this.#file);
  }

  #refresh(): void {
    const version = versionOf(this.#file);
    if (version === this.#version) return;
    const text = readRegularFile(this.#file, maxPolicyBytes) ?? '';
    this.#keys = keysIn(text);
    this.#endsWithLine = text.endsWith('\n');
    this.#version = version;
  }

  /** The text to put `lines` behind: without what is a part of one of them, whatever else is unfinished as a line. */
  #wholeLines(lines: readonly string[]): string {
    if (this.#version === undefined) return head;
    const { text, whole, part } = readLines(this.#file);
    if (whole === text) return text;
    return lines.some((line) => line.startsWith(part)) ? whole : `${text}\n`;
  }
}

/**
 * Reads the policy of a data folder, which a server may be adding to, or have been adding to when it was stopped: a last
 * line that was cut off is left out. It names no key, so nothing is trusted for it.
 *
 * @throws SealtrailError invalid_policy | data_folder_invalid
 */
export function readPolicyFile(file: string): TrustPolicy {
  const { text, whole, part } = readLines(file);
  try {
    return parsePolicy(text);
  } catch (error) {
    if (whole === text || !'log '.startsWith(part.slice(0, 4))) throw error;
    return parsePolicy(whole);
  }
}

/** A file's text, its whole lines, and what of a line follows them. */
function readLines(file: string): { readonly text: string; readonly whole: string; readonly part: string } {
  const text = readRegularFile(file, maxPolicyBytes);
  if (text === undefined) throw new SealtrailError('invalid_policy', `there is no trust policy ${file}`);
  const end = text.lastIndexOf('\n') + 1;
  // A file system may have made room for a line before the crash, and not have written to all of it.
  return { text, whole: text.slice(0, end), part: text.slice(end).replace(/\0+$/, '') };
}

/** Verifier keys of logs in a policy. The operator may have added a URL behind a key, witnesses and a quorum. */
const keysIn = (policy: string): Set<string> =>
  new Set([...policy.matchAll(/^[ \t]*log[ \t]+(\S+)/gm)].map(([, vkey]) => vkey!));

function versionOf(file: string): string | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  return stats && [stats.ino, stats.size, stats.mtimeMs].join(' ');
}
