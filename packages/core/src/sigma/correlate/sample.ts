import type { CorrelationType } from '../correlation.ts';

/** Scale of what is behind the decimal point: sums are kept as two whole numbers, so that their order changes nothing. */
const scale = 1e9;

/** The numbers in a window, with what a correlation measures of them. */
export class NumberSample {
  readonly #sorted: number[] | undefined;
  #whole = 0;
  #rest = 0;
  #count = 0;

  /** @param isRanked whether quantiles are asked for */
  constructor(isRanked: boolean) {
    this.#sorted = isRanked ? [] : undefined;
  }

  get count(): number {
    return this.#count;
  }

  /** Exact where the sum is below 2^53, to nine places behind the decimal point. */
  get sum(): number {
    return this.#whole + this.#rest / scale;
  }

  add(value: number): void {
    this.#sum(value, 1);
    this.#sorted?.splice(placeIn(this.#sorted, value), 0, value);
  }

  remove(value: number): void {
    this.#sum(value, -1);
    this.#sorted?.splice(placeIn(this.#sorted, value), 1);
  }

  /** With linear interpolation between the two values beside it. @param share from 0 to 1 */
  quantile(share: number): number {
    const sorted = this.#sorted!;
    const at = (sorted.length - 1) * share;
    const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
    return below + (above - below) * (at - Math.floor(at));
  }

  #sum(value: number, sign: 1 | -1): void {
    const whole = Math.floor(value);
    this.#whole += sign * whole;
    this.#rest += sign * Math.round((value - whole) * scale);
    this.#count += sign;
  }
}

/** What a correlation of a type measures of a sample that is not empty. */
export function measureOf(
  type: CorrelationType,
  percentile: number | undefined,
): { readonly isRanked: boolean; readonly of: (sample: NumberSample) => number } | undefined {
  switch (type) {
    case 'value_sum':
    case 'risk':
      return { isRanked: false, of: ({ sum }) => sum };
    case 'value_avg':
      return { isRanked: false, of: ({ sum, count }) => sum / count };
    case 'value_percentile':
    case 'value_median': {
      const share = type === 'value_median' ? 0.5 : percentile! / 100;
      return { isRanked: true, of: (sample) => sample.quantile(share) };
    }
    default:
      return undefined;
  }
}

function placeIn(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
