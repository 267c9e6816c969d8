/** A time in milliseconds since 1970 as RFC 3339 has it. */
export const isoTime = (ms: number): string => new Date(ms).toISOString();
