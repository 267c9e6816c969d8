import { existsSync, realpathSync } from 'node:fs';
import { SealtrailError } from '@sealtrail/core';
import { writeDurably } from '../adapters/durable-file.ts';
import { readRegularFile } from '../adapters/regular-file.ts';

/** A checkpoint of each of 100,000 trails, with a witness or two. */
const maxBytes = 64_000_000;

/**
 * The checkpoints that a verifier saw, in a JSON file of its own: from what was verified to the signed note. It is what
 * finds out a log that was set back or written anew by somebody who has its key.
 */
export class RememberedCheckpoints {
  readonly #file: string;
  readonly #notes: Map<string, string>;

  /**
   * Reads the file; without one nothing is remembered yet.
   *
   * @throws SealtrailError invalid_configuration when it is not such a file: forgetting must not be silent
   */
  constructor(file: string) {
    // Behind a link, the file itself is read and replaced: whoever verifies may keep it where they like.
    this.#file = existsSync(file) ? realpathSync(file) : file;
    this.#notes = parse(this.#file);
  }

  get(key: string): string | undefined {
    return this.#notes.get(key);
  }

  /** Remembers, durably. Call it only with what a good verdict found: nothing else must become a measure. */
  put(notes: Iterable<readonly [key: string, note: string]>): void {
    for (const [key, note] of notes) this.#notes.set(key, note);
    writeDurably(this.#file, `${JSON.stringify(Object.fromEntries(this.#notes), undefined, 2)}\n`, 0o644);
  }
}

function parse(file: string): Map<string, string> {
  const invalid = (cause?: unknown): SealtrailError =>
    new SealtrailError(
      'invalid_configuration',
      `${file} is not a file of remembered checkpoints; look at what happened to it. Without it a log that was set back is not noticed`,
      { cause },
    );
  try {
    const text = readRegularFile(file, maxBytes);
    if (text === undefined) return new Map();
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw invalid();
    const notes = Object.entries(parsed);
    if (notes.some(([, note]) => typeof note !== 'string')) throw invalid();
    return new Map(notes as [string, string][]);
  } catch (error) {
    throw error instanceof SealtrailError && error.code === 'invalid_configuration' ? error : invalid(error);
  }
}
