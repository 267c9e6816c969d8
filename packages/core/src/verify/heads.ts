import { parseCheckpoint } from '../checkpoint/checkpoint.ts';
import { parseNote } from '../checkpoint/note.ts';
import type { CheckpointJudge, JudgedCheckpoint } from '../checkpoint/trust.ts';
import { reasonOf } from '../errors.ts';
import type { TrailEvidence } from './evidence.ts';
import type { Faults } from './faults.ts';
import { readGuarded } from './guarded.ts';

/** Where a signed head came from; also the first part of the names of its faults. */
export type HeadSource = 'checkpoint' | 'published' | 'remembered';

/** A checkpoint that a pinned key signed. What the entries say about it is still open. */
export interface Head {
  readonly source: HeadSource;
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
  readonly judged: JudgedCheckpoint;
}

/** All signed heads of a trail by rising size: stored, published and remembered ones in one line. */
export class Heads {
  readonly #heads: AsyncGenerator<Head, undefined>;
  #next: Head | undefined;
  #started = false;
  #largest = 0;

  constructor(evidence: TrailEvidence, origin: string, judge: CheckpointJudge, faults: Faults) {
    this.#heads = readHeads(evidence, origin, judge, faults);
  }

  /** The largest size of a head taken so far; 0 when none covers an entry. */
  get largest(): number {
    return this.#largest;
  }

  /** Takes the heads of at most this size that were not taken yet. */
  async upTo(size: number): Promise<Head[]> {
    if (!this.#started) await this.#advance();
    const taken: Head[] = [];
    while (this.#next !== undefined && this.#next.size <= size) {
      taken.push(this.#next);
      await this.#advance();
    }
    return taken;
  }

  /** Takes all that is left and gives the largest size of each source. */
  async rest(): Promise<ReadonlyMap<HeadSource, number>> {
    const largest = new Map<HeadSource, number>();
    for (; this.#next !== undefined; await this.#advance()) largest.set(this.#next.source, this.#next.size);
    return largest;
  }

  /** Takes no more: evidence may hold on to what it reads from until it hears of it. */
  async close(): Promise<void> {
    await this.#heads.return(undefined);
  }

  async #advance(): Promise<void> {
    this.#started = true;
    this.#next = (await this.#heads.next()).value;
    this.#largest = this.#next?.size ?? this.#largest;
  }
}

async function* readHeads(
  evidence: TrailEvidence,
  origin: string,
  judge: CheckpointJudge,
  faults: Faults,
): AsyncGenerator<Head, undefined> {
  const read = (source: HeadSource, note: string | undefined, filedUnder?: number): Head | undefined =>
    note === undefined ? undefined : readHead(source, note, filedUnder, origin, judge, faults);
  const apart = [read('published', evidence.published), read('remembered', evidence.remembered)]
    .filter((head) => head !== undefined)
    .sort((a, b) => a.size - b.size);

  let previous = -1;
  const stored = readGuarded(
    () => evidence.checkpoints(),
    (error) =>
      faults.note('checkpointUnreadable', `reading stopped after size ${previous} (${reasonOf(error)})`),
  );
  for await (const { size, note } of stored) {
    const head = read('checkpoint', note, size);
    if (head === undefined) continue;
    if (head.size <= previous) {
      faults.note('checkpointOrder', `size ${head.size} follows size ${previous}`);
      continue;
    }
    previous = head.size;
    while (apart.length > 0 && apart[0]!.size < head.size) yield apart.shift()!;
    yield head;
  }
  yield* apart;
  return undefined;
}

/** Verifies one note; notes a fault and gives undefined when nothing can be built on it. */
function readHead(
  source: HeadSource,
  note: string,
  filedUnder: number | undefined,
  origin: string,
  judge: CheckpointJudge,
  faults: Faults,
): Head | undefined {
  const place = filedUnder === undefined ? '' : `size ${filedUnder}: `;
  try {
    parseCheckpoint(parseNote(note).text);
  } catch (error) {
    faults.note(`${source}Unreadable`, `${place}${reasonOf(error)}`);
    return undefined;
  }
  let judged: JudgedCheckpoint;
  try {
    judged = judge.judge(note);
  } catch (error) {
    faults.note(`${source}Modified`, `${place}${reasonOf(error)}`);
    return undefined;
  }
  const { checkpoint, logKeys } = judged;
  if (logKeys.length === 0) {
    faults.note(`${source}KeyUnknown`, `${place}origin ${checkpoint.origin}, size ${checkpoint.size}`);
    return undefined;
  }
  if (checkpoint.origin !== origin) {
    faults.note(`${source}Modified`, `${place}it is of the log ${checkpoint.origin}, not of ${origin}`);
    return undefined;
  }
  if (filedUnder !== undefined && checkpoint.size !== filedUnder) {
    faults.note(`${source}Modified`, `${place}it was signed for size ${checkpoint.size}`);
    return undefined;
  }
  return { source, size: checkpoint.size, root: checkpoint.root, note, judged };
}
