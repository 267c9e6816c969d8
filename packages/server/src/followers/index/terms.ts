import { createHash } from 'node:crypto';
import { type Field, fields, ipKey } from '@sealtrail/core';

/**
 * Terms are texts: one character for what they are about, then a value. Fields have the characters from `0` on in the
 * order of their table, which is part of the index format; the index is rebuilt when it changes (see catalog.ts).
 */
const firstFieldCode = 0x30;

/** Words of any text that search without a field looks at. */
export const WORD = '!';
/** `metadata` scalars: see {@link metadataPrefix}. */
export const METADATA = '#';
/** Presence of a field: the field's character. */
export const EXISTS = '$';
/** Presence of a metadata path. */
export const METADATA_EXISTS = '%';

const codes = new Map(fields.map((field, i) => [field.name, String.fromCharCode(firstFieldCode + i)]));

/** The character of a field of the table. */
export const fieldCode = (field: Field): string => codes.get(field.name)!;

/** The index format: any change of it, or of what is indexed, must change this text. */
export const indexFormat: string = `sealtrail-index/2 ${createHash('sha256').update(JSON.stringify(fields)).digest('hex').slice(0, 16)}`;

const maxValueLength = 120;
const keptLength = 80;
const hashLength = 22;

/** A value as terms hold it: a long one is its beginning, NUL and a hash. Different values have different terms. */
export function termValue(value: string): string {
  // A short value that looks like a cut one is cut too, so that what looks cut is.
  if (value.length <= maxValueLength && !isCutTerm(value)) return value;
  const hash = createHash('sha256').update(value).digest('base64').slice(0, hashLength);
  return `${termPrefix(value)}\u0000${hash}`;
}

/** The longest part of a prefix that every value with that prefix has in its term. It ends with a whole character. */
export function termPrefix(prefix: string): string {
  if (prefix.length <= keptLength) return prefix;
  const isSplit = (prefix.charCodeAt(keptLength - 1) & 0xfc00) === 0xd800;
  return prefix.slice(0, isSplit ? keptLength - 1 : keptLength);
}

/** True for the term of a value that is not kept in full. */
export function isCutTerm(value: string): boolean {
  const kept = value.length - hashLength - 1;
  return (kept === keptLength || kept === keptLength - 1) && value.charCodeAt(kept) === 0;
}

/** A term's value for people: of a long one the beginning. */
export const shownValue = (value: string): string =>
  isCutTerm(value) ? `${value.slice(0, -hashLength - 1)}…` : value;

/** Types of metadata scalars. */
export type ScalarType = 's' | 'n' | 'b';

/** What all terms of one type of scalar at a metadata path begin with: NUL ends the path, and is doubled within it. */
export const metadataPrefix = (path: string, type: ScalarType): string =>
  `${METADATA}${path.includes('\u0000') ? path.replaceAll('\u0000', '\u0000\u0000') : path}\u0000${type}`;

/** Term of a metadata scalar at a path. */
export function metadataTerm(path: string, value: string | number | boolean): string {
  const type = typeof value === 'string' ? 's' : typeof value === 'number' ? 'n' : 'b';
  return metadataPrefix(path, type) + termValue(String(value));
}

/** The least text that comes after every text with a prefix, in order of code points, which is that of UTF-8. */
export function afterPrefix(prefix: string): string {
  const points = Array.from(prefix, (char) => char.codePointAt(0)!);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop()!;
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}

/** Hash of a value that hardly two entries share, as 8 characters: such terms over-approximate. */
export function uniqueHash(value: string): string {
  // FNV-1a over 16-bit units in two lanes; collisions only cost a look at the entry.
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca6b);
  }
  return (a >>> 0).toString(36).padStart(7, '0') + ((b >>> 0) % 36).toString(36);
}

/** A field's value as its term says it, after the field's character. */
export function valueTerm(field: Field, value: string | number): string {
  if (field.unique) return uniqueHash(String(value));
  if (field.kind === 'ip') return ipKey(String(value)) ?? '';
  return termValue(String(value));
}
