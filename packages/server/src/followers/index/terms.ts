import { createHash } from 'node:crypto';
import { type Field, fields } from '@sealtrail/core';

/**
 * Terms are texts: one character for what they are about, then a value. Fields have the characters from `0` on in the
 * order of their table, which is part of the index format; the index is rebuilt when it changes (see catalog.ts).
 */
const firstFieldCode = 0x30;

/** Words of any text that search without a field looks at. */
export const WORD = '!';
/** `metadata` scalars: path, NUL, then `s`, `n` or `b` and the value. */
export const METADATA = '#';
/** Presence of a field: the field's character. */
export const EXISTS = '$';
/** Presence of a metadata path. */
export const METADATA_EXISTS = '%';

const codes = new Map(fields.map((field, i) => [field.name, String.fromCharCode(firstFieldCode + i)]));

/** The character of a field of the table. */
export const fieldCode = (field: Field): string => codes.get(field.name)!;

/** The index format: any change of it, or of what is indexed, must change this text. */
export const indexFormat: string = `sealtrail-index/1 ${createHash('sha256').update(JSON.stringify(fields)).digest('hex').slice(0, 16)}`;

const maxValueLength = 120;
const keptPrefix = 80;

/** True when a value is stored in full, so that it can be shown and compared. */
export const isWholeValue = (value: string): boolean => value.length <= maxValueLength;

/** The value as terms hold it: long ones are a prefix, NUL and a hash. */
export function termValue(value: string): string {
  if (value.length <= maxValueLength) return value;
  return `${value.slice(0, keptPrefix)}\u0000${createHash('sha256').update(value).digest('base64').slice(0, 22)}`;
}

/** The longest part of a prefix that every value with that prefix has in its term. */
export const termPrefix = (prefix: string): string => prefix.slice(0, keptPrefix);

/** True for the term of a value that was too long. */
export const isCutTerm = (value: string): boolean =>
  value.length === keptPrefix + 23 && value[keptPrefix] === '\u0000';

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

/** Term of a metadata scalar at a path. */
export function metadataTerm(path: string, value: string | number | boolean): string {
  return `${path}\u0000${(typeof value)[0]}${termValue(String(value))}`;
}
