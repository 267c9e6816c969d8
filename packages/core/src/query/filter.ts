/**
 * What to look for: plain data, made by {@link parseFilter}, judged by {@link matches}. `field` is always the full name
 * of a field (fields.ts). A field with several values, such as `target.id`, matches when any of them does.
 */
export type Filter =
  /** Everything. */
  | { readonly op: 'all' }
  | { readonly op: 'and'; readonly filters: readonly Filter[] }
  | { readonly op: 'or'; readonly filters: readonly Filter[] }
  | { readonly op: 'not'; readonly filter: Filter }
  /** The field has this value: of numbers and addresses the canonical text. */
  | { readonly op: 'eq'; readonly field: string; readonly value: string }
  /** The whole value is `parts` with anything between them: `['user.', '']` is `user.*`. */
  | { readonly op: 'glob'; readonly field: string; readonly parts: readonly string[] }
  /** The field has any value. */
  | { readonly op: 'exists'; readonly field: string }
  | RangeFilter
  /** The address is in this network, in canonical CIDR notation. */
  | { readonly op: 'cidr'; readonly field: string; readonly network: string }
  | TextFilter;

/** Numbers for kinds number, metadata and time (milliseconds, only `gte` and `lte`); text for addresses and severities. */
export interface RangeFilter {
  readonly op: 'range';
  readonly field: string;
  readonly gt?: number | string;
  readonly gte?: number | string;
  readonly lt?: number | string;
  readonly lte?: number | string;
}

/**
 * The words of `text` occur side by side in one value: of the field, or without one of any text of the entry. Ids and
 * addresses, whose `search` is `whole`, are found without a field when they equal `text`.
 */
export interface TextFilter {
  readonly op: 'text';
  readonly field?: string;
  readonly text: string;
  /** The last word need only be the beginning of a word. */
  readonly prefix: boolean;
}

/** The filter that matches everything. */
export const all: Filter = { op: 'all' };

/** Everything that matches all of `filters`; nested ands are flattened. */
export function and(filters: readonly Filter[]): Filter {
  const flat = filters.flatMap((filter) =>
    filter.op === 'and' ? filter.filters : filter.op === 'all' ? [] : [filter],
  );
  return flat.length === 0 ? all : flat.length === 1 ? flat[0]! : { op: 'and', filters: flat };
}

/** Everything that matches any of `filters` (of none: nothing); nested ors are flattened. */
export function or(filters: readonly Filter[]): Filter {
  const flat = filters.flatMap((filter) => (filter.op === 'or' ? filter.filters : [filter]));
  if (flat.some((filter) => filter.op === 'all')) return all;
  return flat.length === 0 ? not(all) : flat.length === 1 ? flat[0]! : { op: 'or', filters: flat };
}

/** Everything that does not match. */
export function not(filter: Filter): Filter {
  return filter.op === 'not' ? filter.filter : { op: 'not', filter };
}
