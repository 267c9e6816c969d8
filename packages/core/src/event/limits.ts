/**
 * Bounds of an event and an entry. Chosen so that an entry always fits the 16-bit length of an entry bundle
 * (C2SP tlog-tiles), and so that no field can make parsing, hashing or indexing expensive.
 */
export const eventLimits = {
  /** Canonical bytes of a whole entry. */
  entryBytes: 60 * 1024,
  /** Nesting of objects and arrays in an event, the event itself being 1. */
  depth: 16,
  /** Object keys in an event, nested ones included. */
  keys: 512,
  /** Elements of `targets` and of `changes`. */
  targets: 64,
  changes: 128,
  /** UTF-16 code units. */
  keyLength: 128,
  shortText: 256,
  longText: 4096,
  path: 2048,
  /** RFC 5321 section 4.5.3.1: 64 + 1 + 255. */
  email: 320,
} as const;

/** Earliest and latest `time` an event may carry: years 1970 to 9999, so that every stored time has four-digit years. */
export const timeRange = { minMs: 0, maxMs: Date.UTC(9999, 11, 31, 23, 59, 59, 999) } as const;
