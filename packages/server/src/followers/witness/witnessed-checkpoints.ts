import { SealtrailError } from '@sealtrail/core';
import type { LogClient } from '../../sequencer/log-client.ts';
import type { PublishedCheckpoint } from '../../sequencer/protocol.ts';
import type { WitnessSet } from './witness-set.ts';

/** Longest time for which a checkpoint is shown because it is witnessed, though there is a newer one. */
const maxAgeMs = 60_000;

interface Witnessed extends PublishedCheckpoint {
  /** When it was witnessed, by the clock of this server; before it was started: long ago. */
  readonly atMs: number;
}

/** Which of a trail's checkpoints to give away. */
export interface ShownCheckpoints {
  /**
   * The checkpoint to show of a trail: the last one that is witnessed, as long as that is recent, or the last one. It never
   * gets smaller, since whoever remembers one takes a smaller one for a log that was set back.
   */
  shown(trail: string): PublishedCheckpoint | undefined;
  /** The checkpoint to prove an entry by: a witnessed one if it covers the entry, or the last one. */
  covering(trail: string, index: number): PublishedCheckpoint | undefined;
}

/** Without witnesses there is only the last one. */
export function lastCheckpoints(log: Pick<LogClient, 'trail'>): ShownCheckpoints {
  const last = (trail: string): PublishedCheckpoint | undefined => log.trail(trail)?.checkpoint;
  return {
    shown: last,
    covering(trail, index) {
      const checkpoint = last(trail);
      return checkpoint && checkpoint.size > index ? checkpoint : undefined;
    },
  };
}

/**
 * Keeps the last checkpoint of each trail that satisfies the quorum. Readers who ask for witnesses could never use the very
 * last one of a trail that grows: it is newer than its cosignatures can be.
 */
export class WitnessedCheckpoints implements ShownCheckpoints {
  readonly #judge: WitnessSet['judge'];
  readonly #log: Pick<LogClient, 'trail'>;
  readonly #last: ShownCheckpoints;
  readonly #now: () => number;
  readonly #witnessed: Map<string, Witnessed> = new Map();
  /** Size of the largest checkpoint that was shown of each trail. */
  readonly #shown: Map<string, number>;

  constructor({ judge }: WitnessSet, log: Pick<LogClient, 'trail' | 'trails'>, now: () => number) {
    this.#judge = judge;
    this.#log = log;
    this.#last = lastCheckpoints(log);
    this.#now = now;
    // What the process before has shown is not known, but it cannot have been larger.
    this.#shown = new Map(log.trails().map(({ name, checkpoint }) => [name, checkpoint?.size ?? 0]));
  }

  /** Takes a checkpoint that has just been cosigned. */
  add(trail: string, checkpoint: PublishedCheckpoint): void {
    this.#add(trail, checkpoint, this.#now());
  }

  /** Takes a checkpoint that was cosigned before the start. */
  addEarlier(trail: string, checkpoint: PublishedCheckpoint): void {
    this.#add(trail, checkpoint, Number.NEGATIVE_INFINITY);
  }

  shown(trail: string): PublishedCheckpoint | undefined {
    const last = this.#log.trail(trail)?.checkpoint;
    if (last === undefined) return undefined;
    const witnessed = this.#witnessed.get(trail);
    const isToShow =
      witnessed !== undefined &&
      this.#now() - witnessed.atMs < maxAgeMs &&
      witnessed.size >= (this.#shown.get(trail) ?? 0);
    const { size, note } = isToShow ? witnessed : last;
    this.#shown.set(trail, size);
    return { size, note };
  }

  covering(trail: string, index: number): PublishedCheckpoint | undefined {
    const witnessed = this.#witnessed.get(trail);
    return witnessed && witnessed.size > index ? witnessed : this.#last.covering(trail, index);
  }

  #add(trail: string, { size, note }: PublishedCheckpoint, atMs: number): void {
    const known = this.#witnessed.get(trail)?.size ?? -1;
    if (size >= known && this.#isWitnessed(note)) this.#witnessed.set(trail, { size, note, atMs });
  }

  /** Without a quorum no checkpoint is preferred to a newer one. */
  #isWitnessed(note: string): boolean {
    if (this.#judge.policy.quorum === undefined) return false;
    try {
      return this.#judge.judge(note).quorum.satisfied;
    } catch (error) {
      // A stored line that is wrong was none of ours: verification reports it.
      if (error instanceof SealtrailError) return false;
      throw error;
    }
  }
}
