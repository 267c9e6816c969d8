import type { Failure } from '../sequencer/protocol.ts';

/** What has to find room before writing is said to be possible again: twice what did not, within these. */
const minProbeBytes = 1024 * 1024;
const maxProbeBytes = 32 * 1024 * 1024;

/** Whether the log can be written, as its last commits tell. */
export class Writability {
  readonly #tell: (failure: Failure | undefined) => void;
  /** Why entries or a trail could not be written, and the bytes of the largest that could not since some were. */
  #unwritten: { readonly failure: Failure; readonly bytes: number } | undefined;
  /** Why the last round of checkpoints could not be stored. */
  #unpublished: Failure | undefined;
  #isTold = false;

  /** @param tell told when it changes: why the last commit failed, or nothing when it has not */
  constructor(tell: (failure: Failure | undefined) => void) {
    this.#tell = tell;
  }

  /** Entries or a trail have been written, or can be. */
  written(): void {
    this.#unwritten = undefined;
    this.#look();
  }

  /** Entries or a trail could not be written; a failure of the request itself says nothing of the disk. */
  unwritten(failure: Failure, bytes = 0): void {
    if (failure.code !== 'storage_unavailable') return;
    this.#unwritten = { failure, bytes: Math.max(this.#unwritten?.bytes ?? 0, bytes) };
    this.#look();
  }

  /** A round of checkpoints has been stored, or why it was not; every tick tries again. */
  published(failure?: Failure): void {
    this.#unpublished = failure?.code === 'storage_unavailable' ? failure : undefined;
    this.#look();
  }

  /** Bytes that a probe should find room for; undefined while there is nothing to probe. */
  get probeBytes(): number | undefined {
    if (this.#unwritten === undefined) return undefined;
    return Math.min(Math.max(2 * this.#unwritten.bytes, minProbeBytes), maxProbeBytes);
  }

  #look(): void {
    const failure = this.#unwritten?.failure ?? this.#unpublished;
    if ((failure !== undefined) === this.#isTold) return;
    this.#isTold = failure !== undefined;
    this.#tell(failure);
  }
}
