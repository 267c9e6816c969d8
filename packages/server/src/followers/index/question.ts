import type { Field } from '@sealtrail/core';
import { Bitmap } from './bitmap.ts';
import { type Candidates, certainly } from './candidates.ts';
import type { Segment, ValueShape } from './segment.ts';
import { fieldCode, isCut, metadataPath, termPrefix } from './terms.ts';

/** What is asked of a segment. */
export interface Question {
  readonly segment: Segment;
  readonly trail: string;
  /** The trail's entries in the segment. */
  readonly own: Bitmap;
  /** True when every entry between `may` and `must` will be looked at, so that it pays to know more. */
  readonly isCounting: boolean;
}

/** All entries of the segment. */
export function everything({ segment }: Question): Candidates {
  return certainly(Bitmap.upTo(segment.entryCount));
}

/** No entry. */
export function nothing(): Candidates {
  return certainly(new Bitmap());
}

/** The entries of a term. */
export function term({ segment }: Question, code: string, value: string): Bitmap {
  const entries = new Bitmap();
  segment.addTerm(entries, code, value);
  return entries;
}

/** Entries of all terms of a code whose value passes, and perhaps those whose value was too long to be kept. */
export function byValue(
  { segment }: Question,
  code: string,
  shape: ValueShape,
  test: (value: string) => boolean,
): Candidates {
  const must = new Bitmap();
  const cut = new Bitmap();
  const start = termPrefix(shape.prefix ?? '');
  segment.forEachTerm(code, shape, (value, postings) => {
    if (isCut(value)) {
      if (value.startsWith(start)) postings.addTo(cut);
    } else if (test(value)) postings.addTo(must);
  });
  return cut.isEmpty() ? certainly(must) : { may: cut.or(must), must };
}

/** The code of a field, undefined for metadata that no entry of the segment has. */
export function codeOf({ segment }: Question, field: Field): string | undefined {
  return field.kind === 'metadata' ? segment.pathCode(metadataPath(field)) : fieldCode(field);
}
