import { Bitmap } from './bitmap.ts';

/**
 * What a segment knows of a filter: every entry that matches is in `may`, and every entry in `must` matches. Between
 * the two the entries themselves decide; where both are the same set, there is nothing to decide.
 */
export interface Candidates {
  readonly may: Bitmap;
  readonly must: Bitmap;
}

/** A set known for certain. */
export const certainly = (entries: Bitmap): Candidates => ({ may: entries, must: entries });

/** A set that holds all that match, and perhaps more. */
export const perhaps = (entries: Bitmap): Candidates =>
  entries.isEmpty() ? certainly(entries) : { may: entries, must: new Bitmap() };

export const isCertain = ({ may, must }: Candidates): boolean => may === must;

/** Those of both. */
export function both(a: Candidates, b: Candidates): Candidates {
  const may = a.may.and(b.may);
  return { may, must: isCertain(a) && isCertain(b) ? may : a.must.and(b.must) };
}

/** Those of either. */
export function either(a: Candidates, b: Candidates): Candidates {
  const may = a.may.or(b.may);
  return { may, must: isCertain(a) && isCertain(b) ? may : a.must.or(b.must) };
}

/** The others among `count` entries: what must match may not, and what may not must. */
export function neither(count: number, { may, must }: Candidates): Candidates {
  const all = Bitmap.upTo(count);
  const rest = all.without(may);
  return { may: may === must ? rest : all.without(must), must: rest };
}
