import { type Locate, leastDistanceKm, networkOf, type Place } from '../locate.ts';
import { type Episode, type EpisodeListener, Episodes, type Occurrence } from './episode.ts';
import { type SavedWindow, Window } from './window.ts';

/** What is the same for all groups. */
export interface TravelSpec {
  /** How long a place counts. */
  readonly spanMs: number;
  readonly speedKmh: number;
  readonly distanceKm: number;
  /** Undefined: no place is known, and nothing is found. */
  readonly locate: Locate | undefined;
  readonly changed: EpisodeListener;
}

/** Where the group was seen. */
interface Sighting extends Place {
  readonly index: number;
  readonly address: string;
  readonly network: string | undefined;
  readonly asn: number | undefined;
}

/** Places that are kept of one moment. */
const maxSightings = 8;
/** What is seen at two places in one moment has been on its way for as long as clocks may be apart. */
const leastHours = 1 / 3600;
const hourMs = 3_600_000;

/**
 * Looks for groups, persons mostly, that are seen at two places one after the other, and cannot have gone from one to the
 * other in the time between. The accuracy of both is in their favour, addresses of one network are one place, and
 * anonymisers are no place at all: what is seen there is passed over, as are addresses of which nothing is known. The
 * condition holds from such a sighting until a span has passed without another. Takes occurrences in their order only.
 */
export class TravelWindow extends Window {
  readonly #spec: TravelSpec;
  readonly #episodes: Episodes;
  /** Sightings of the last moment, and of the one before it. */
  #now: Sighting[] = [];
  #nowMs = Number.NEGATIVE_INFINITY;
  #before: Sighting[] = [];
  #beforeMs = Number.NEGATIVE_INFINITY;

  constructor(spec: TravelSpec, key: string, saved?: SavedWindow) {
    super(key);
    this.#spec = spec;
    this.#episodes = new Episodes(key, spec.changed);
    if (saved === undefined) return;
    this.#episodes.load(saved.episodes);
    const [nowMs, now, beforeMs, before] = saved.held as [
      ...[number | null, Sighting[]],
      ...[number | null, Sighting[]],
    ];
    this.#nowMs = nowMs ?? Number.NEGATIVE_INFINITY;
    this.#now = [...now];
    this.#beforeMs = beforeMs ?? Number.NEGATIVE_INFINITY;
    this.#before = [...before];
  }

  get dueMs(): number {
    const { isHolding, last } = this.#episodes;
    return isHolding ? last!.lastMs + this.#spec.spanMs : Number.POSITIVE_INFINITY;
  }

  get episodes(): readonly Episode[] {
    return this.#episodes.list;
  }

  add({ timeMs, index, value }: Occurrence): void {
    this.#endBy(timeMs);
    const address = String(value);
    const sighting = this.#sightingOf(address, index);
    if (sighting === undefined) return;
    if (timeMs > this.#nowMs) {
      [this.#before, this.#beforeMs] = [this.#now, this.#nowMs];
      [this.#now, this.#nowMs] = [[], timeMs];
    }
    const { spanMs } = this.#spec;
    const earlier = this.#beforeMs + spanMs > timeMs ? this.#before : [];
    for (const other of earlier) this.#judge(other, sighting, timeMs, timeMs - this.#beforeMs);
    for (const other of this.#now) this.#judge(other, sighting, timeMs, 0);
    if (this.#now.length < maxSightings && !this.#now.some((other) => other.address === address))
      this.#now.push(sighting);
  }

  forget(watermarkMs: number): boolean {
    this.#endBy(watermarkMs);
    this.#episodes.forget(watermarkMs);
    return this.#nowMs + this.#spec.spanMs <= watermarkMs && this.#episodes.isEmpty;
  }

  save(): SavedWindow {
    // Before the first sightings times are infinite, which JSON makes null.
    const held = [this.#nowMs, [...this.#now], this.#beforeMs, [...this.#before]];
    return { episodes: this.#episodes.save(), held };
  }

  #endBy(timeMs: number): void {
    const { dueMs } = this;
    if (dueMs <= timeMs) this.#episodes.end(dueMs);
  }

  #judge(from: Sighting, to: Sighting, timeMs: number, elapsedMs: number): void {
    if (from.asn !== undefined && from.asn === to.asn) return;
    if (from.network === to.network) return;
    const distance = leastDistanceKm(from, to);
    if (distance < this.#spec.distanceKm) return;
    const speed = distance / Math.max(elapsedMs / hourMs, leastHours);
    if (speed <= this.#spec.speedKmh) return;
    if (this.#episodes.isHolding) this.#episodes.extend(timeMs, speed);
    else this.#episodes.begin(timeMs, speed, to.index, () => [from.index, to.index]);
  }

  #sightingOf(address: string, index: number): Sighting | undefined {
    const { latitude, longitude, accuracyKm = 0, asn, isAnonymous } = this.#spec.locate?.(address) ?? {};
    if (latitude === undefined || longitude === undefined || isAnonymous) return undefined;
    return { index, address, latitude, longitude, accuracyKm, asn, network: networkOf(address) };
  }
}
