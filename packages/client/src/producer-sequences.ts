import { defaultTrail, type Event, SealtrailError, trailName } from '@sealtrail/core';

/** Who reports, and where its numbers begin. */
export interface RecorderProducer {
  readonly id: string;
  /**
   * The first number: in every trail, or by the name of the trail, where those that are not named begin with 0.
   * `GET /v1/trails/<trail>/producers` says where a producer has ended (`lastSeq`).
   */
  readonly firstSeq: number | Readonly<Record<string, number>>;
}

/**
 * Trails whose events are numbered; the events of trails beyond them have no producer. A number that was forgotten and
 * began again would look like events that come late, so none is forgotten.
 */
export const MAX_NUMBERED_TRAILS = 10_000;

/**
 * Numbers the events of one producer, in each trail by themselves: gaps are looked for in one trail at a time, whatever
 * the tenants of its events are.
 */
export class ProducerSequences {
  readonly #id: string;
  readonly #firstSeq: number;
  /** The next number in each trail that is known. */
  readonly #next: Map<string, number>;

  /** @throws SealtrailError invalid_configuration */
  constructor({ id, firstSeq }: RecorderProducer) {
    const isForAll = typeof firstSeq === 'number';
    this.#id = id;
    this.#firstSeq = isForAll ? firstSeq : 0;
    this.#next = new Map(isForAll ? [] : Object.entries(firstSeq));
    for (const seq of [this.#firstSeq, ...this.#next.values()]) {
      if (!Number.isSafeInteger(seq) || seq < 0) {
        throw new SealtrailError('invalid_configuration', 'producer.firstSeq: expected integers from 0');
      }
    }
  }

  /**
   * Takes the next number in the trail that an event names. What is no name of a trail will be refused, and counts in the
   * default trail: the loss has to show somewhere.
   */
  next(trail: unknown): Event['producer'] {
    const name = typeof trail === 'string' && this.#isTrail(trail) ? trail : defaultTrail;
    const seq = this.#next.get(name);
    if (seq === undefined && this.#next.size >= MAX_NUMBERED_TRAILS) return undefined;
    const taken = seq ?? this.#firstSeq;
    this.#next.set(name, taken + 1);
    return { id: this.#id, seq: taken };
  }

  #isTrail(name: string): boolean {
    return this.#next.has(name) || trailName.safeParse(name).success;
  }
}
