import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import { type Field, fields } from '@sealtrail/core';

/**
 * A term is a code, which says what it is about, and a value. Fields of the table have one character from `0` on, in the
 * order of the table; paths in `metadata` get characters beyond the Basic Multilingual Plane as they come, in each
 * segment anew. No code is the beginning of another.
 */
const firstFieldCode = 0x30;
const firstPathCode = 0x10000;

/** Words of every text that search without a field looks at. */
export const WORD = ' ';
/** The field whose code is the value has a value. */
export const EXISTS = '!';

const codes = new Map(fields.map((field, i) => [field.name, String.fromCharCode(firstFieldCode + i)]));

/** The code of a field of the table. */
export const fieldCode = (field: Field): string => codes.get(field.name)!;

/** The code of a metadata path, by its number in the segment. Its strings and booleans add a letter. */
export const pathCode = (number: number): string => String.fromCodePoint(firstPathCode + number);
export const TEXTS = 's';
export const BOOLEANS = 'b';

/** The path of a metadata field. */
export const metadataPath = (field: Field): string => field.name.slice('metadata.'.length);

const fieldTable = createHash('sha256').update(JSON.stringify(fields)).digest('hex').slice(0, 16);

/** The index format: whatever changes files or what is in them must change this text; the index is then made again. */
export const indexFormat: string = `sealtrail-index/2 ${endianness()} ${fieldTable}`;

/** UTF-16 code units up to which a value is kept in full. */
const maxValueLength = 120;
const keptLength = 88;

/**
 * The value as terms hold it: of a long one its beginning and a hash. That form is longer than any value kept in full, so
 * the two are never confused, and its hash makes it as good as the value.
 */
export function termValue(value: string): string {
  if (value.length <= maxValueLength) return value;
  const hash = createHash('sha256').update(value).digest('hex').slice(0, 32);
  return `${termPrefix(value)}…${hash}`;
}

/** True for the form of a value too long to be kept. */
export const isCut = (value: string): boolean => value.length > maxValueLength;

/** What the terms of all values with this prefix begin with. */
export function termPrefix(prefix: string): string {
  if (prefix.length <= keptLength) return prefix;
  // Half a surrogate pair has no bytes.
  const isSplit = prefix.charCodeAt(keptLength - 1) >>> 10 === 0xd800 >>> 10;
  return prefix.slice(0, isSplit ? keptLength + 1 : keptLength);
}
