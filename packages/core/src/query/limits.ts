/** Bounds of query text, so that no query is expensive to read. */
export const queryLimits = {
  /** UTF-16 code units. */
  length: 4096,
  /** Nesting of parentheses and negations. */
  depth: 32,
  /** Conditions in one query. */
  terms: 256,
} as const;
