import type { Logsource } from './rule-schema.ts';

/** What is known of the source of an event. */
export interface EventSource extends Logsource {
  /**
   * Whether that is all there is to say: a part that is left out is then one that the source does not have, and rules that
   * ask for it are for others. Otherwise what is left out is not known, and excludes no rule.
   */
  readonly isComplete?: boolean;
}

const parts = ['category', 'product', 'service'] as const;

/** Whether nothing that a rule, or a filter, asks of the source contradicts what is known of it. */
export function fits(wanted: Logsource, source: EventSource): boolean {
  return parts.every((part) => {
    const said = source[part];
    return wanted[part] === undefined || wanted[part] === said || (said === undefined && !source.isComplete);
  });
}

/** Of a part that is not known, and of one that no rule asks for, or that the source does not have. */
const unknown = 0;
const other = 1;

/**
 * Tells sources apart as far as the rules do: two that fit the same rules have the same number. So names that rules do not
 * know, of which events can have any number, are all one.
 */
export class LogsourceRoutes {
  /** By part: the values that rules ask for, numbered after {@link other}. */
  readonly #values: readonly ReadonlyMap<string, number>[];

  constructor(wanted: readonly Logsource[]) {
    this.#values = parts.map((part) => {
      const values = new Set(wanted.flatMap((logsource) => logsource[part] ?? []));
      return new Map(Array.from(values, (value, i) => [value, other + 1 + i] as const));
    });
  }

  /** The number of what a source fits. */
  routeOf(source: EventSource): number {
    const { category, product, service, isComplete } = source;
    const absent = isComplete ? other : unknown;
    const [categories, products, services] = this.#values as readonly [Values, Values, Values];
    let route = numberOf(categories, category, absent);
    route = route * (products.size + other + 1) + numberOf(products, product, absent);
    return route * (services.size + other + 1) + numberOf(services, service, absent);
  }
}

type Values = ReadonlyMap<string, number>;

const numberOf = (values: Values, said: string | undefined, absent: number): number =>
  said === undefined ? absent : (values.get(said) ?? other);
