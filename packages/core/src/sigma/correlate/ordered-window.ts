import {
  type Episode,
  type EpisodeListener,
  Episodes,
  maxSamples,
  type Occurrence,
  type Stretch,
} from './episode.ts';
import { type SavedWindow, Window } from './window.ts';

/** A match of a step. */
interface Step {
  readonly timeMs: number;
  readonly index: number;
  readonly rule: number;
}

/** Of the chains that have come to a step, the one that began last: when, and with which events. */
interface Chain {
  readonly firstMs: number;
  readonly indexes: readonly number[];
}
type Chains = readonly (Chain | undefined)[];

/** What is the same for all groups. */
export interface OrderedSpec {
  readonly spanMs: number;
  /** How many there are, from 1; an occurrence's `rule` is the number of its step, from 0. */
  readonly steps: number;
  readonly changed: EpisodeListener;
}

/**
 * Looks for steps in their order: the condition holds while a match of each, one behind the other, is in the window.
 * Events of one time count in the order in which they were recorded; one event serves one step.
 *
 * Of all chains to a step only the one that began last matters, so what is final is one chain a step. What can still be
 * joined by late events is held as it came.
 */
export class OrderedWindow extends Window {
  readonly #spanMs: number;
  readonly #steps: number;
  readonly #episodes: Episodes;
  /** As of the watermark. */
  #final: Chains;
  /** Behind the watermark, by time. */
  #held: Step[] = [];
  /** As of the last event. */
  #now: Chains;

  constructor({ spanMs, steps, changed }: OrderedSpec, key: string, saved?: SavedWindow) {
    super(key);
    this.#spanMs = spanMs;
    this.#steps = steps;
    this.#episodes = new Episodes(key, changed);
    this.#final = new Array<undefined>(steps).fill(undefined);
    if (saved !== undefined) {
      this.#episodes.load(saved.episodes);
      const [final, held] = saved.held as [(Chain | null)[], Step[]];
      this.#final = final.map((chain) => chain ?? undefined);
      this.#held = [...held];
    }
    this.#now = this.#held.reduce((chains, step) => this.#after(chains, step), this.#final);
  }

  add({ timeMs, index, rule }: Occurrence, watermarkMs: number): void {
    const step = { timeMs, index, rule };
    if (this.#held.length > 64 && this.#held[this.#held.length >> 1]!.timeMs <= watermarkMs)
      this.forget(watermarkMs);
    const last = this.#held[this.#held.length - 1];
    if (last === undefined || isInOrder(last, step)) {
      this.#held.push(step);
      this.#endBy(timeMs);
      this.#now = this.#after(this.#now, step);
      const complete = this.#complete(this.#now, timeMs);
      if (complete === undefined) return;
      if (this.#episodes.isHolding) this.#episodes.extend(timeMs, 1);
      else this.#episodes.begin(timeMs, 1, index, () => complete.indexes.slice(-maxSamples));
      return;
    }
    this.#held.push(step);
    this.#held.sort((a, b) => (isInOrder(a, b) ? -1 : 1));
    this.#again(index);
  }

  forget(watermarkMs: number): boolean {
    this.#endBy(watermarkMs);
    let count = 0;
    for (; count < this.#held.length && this.#held[count]!.timeMs <= watermarkMs; count++)
      this.#final = this.#after(this.#final, this.#held[count]!);
    if (count > 0) this.#held.splice(0, count);
    this.#final = this.#final.map((chain) =>
      chain !== undefined && chain.firstMs + this.#spanMs > watermarkMs ? chain : undefined,
    );
    this.#episodes.forget(watermarkMs);
    return this.#held.length === 0 && this.#final.every((chain) => chain === undefined);
  }

  get dueMs(): number {
    return this.#episodes.isHolding
      ? this.#now[this.#steps - 1]!.firstMs + this.#spanMs
      : Number.POSITIVE_INFINITY;
  }

  get episodes(): readonly Episode[] {
    return this.#episodes.list;
  }

  save(): SavedWindow {
    return {
      episodes: this.#episodes.save(),
      held: [this.#final.map((chain) => chain ?? null), [...this.#held]],
    };
  }

  /** Ends what holds, if the chain that it holds by has left the window by a time. */
  #endBy(timeMs: number): void {
    const chain = this.#now[this.#steps - 1];
    if (chain !== undefined && chain.firstMs + this.#spanMs <= timeMs)
      this.#episodes.end(chain.firstMs + this.#spanMs);
  }

  #after(chains: Chains, { timeMs, index, rule }: Step): Chains {
    const before = rule === 0 ? { firstMs: timeMs, indexes: [] } : chains[rule - 1];
    const there = chains[rule];
    if (before === undefined || (there !== undefined && there.firstMs >= before.firstMs)) return chains;
    const after = [...chains];
    after[rule] = { firstMs: before.firstMs, indexes: [...before.indexes, index] };
    return after;
  }

  /** The chain through all steps that is within the window at a time. */
  #complete(chains: Chains, timeMs: number): Chain | undefined {
    const chain = chains[this.#steps - 1];
    return chain !== undefined && chain.firstMs + this.#spanMs > timeMs ? chain : undefined;
  }

  /** Goes through all that is held again. */
  #again(raisedAt: number): void {
    let chains = this.#final;
    let open: (Stretch & { readonly completedBy: number; readonly chain: Chain }) | undefined;
    const unite = (): void => {
      if (open === undefined) return;
      const { completedBy, chain, ...stretch } = open;
      this.#episodes.unite(stretch, raisedAt, completedBy, () => chain.indexes.slice(-maxSamples));
    };
    for (const [i, step] of this.#held.entries()) {
      chains = this.#after(chains, step);
      const chain = this.#complete(chains, step.timeMs);
      if (chain === undefined) continue;
      const isLast = i === this.#held.length - 1;
      const endMs = isLast ? Number.POSITIVE_INFINITY : chain.firstMs + this.#spanMs;
      if (open !== undefined && step.timeMs <= open.endMs) {
        open = { ...open, endMs, lastMs: step.timeMs };
        continue;
      }
      unite();
      const { timeMs, index } = step;
      open = { startMs: timeMs, endMs, lastMs: timeMs, peak: 1, completedBy: index, chain };
    }
    unite();
    this.#now = chains;
  }
}

/** By time, then as recorded; of one event the later step first, so that it does not serve two. */
const isInOrder = (a: Step, b: Step): boolean =>
  a.timeMs !== b.timeMs ? a.timeMs < b.timeMs : a.index !== b.index ? a.index < b.index : a.rule >= b.rule;
