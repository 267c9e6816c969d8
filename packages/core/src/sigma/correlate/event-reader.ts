import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Correlation } from '../correlation.ts';
import { type FieldSource, type RuleEvent, textOf } from '../event-fields.ts';
import type { WindowPlan } from './window-plan.ts';

/** An event that rules matched, on its way to correlations. */
export interface MatchedEvent {
  readonly event: RuleEvent;
  readonly timeMs: number;
  /** See {@link Occurrence.index}. */
  readonly index: number;
  /** What keeps groups apart beyond their fields: a tenant. */
  readonly partition: string;
  /** The watermark when it came. */
  readonly watermarkMs: number;
  /** Whether it was taken before, and waits for the watermark. */
  readonly isAgain: boolean;
  /** What the finding weighs that it stands for, where it is one. */
  readonly points?: number;
}

export type GroupValue = string | number | boolean;

/** What is there without a value. */
const nothing: readonly undefined[] = [undefined];

/** Groups that one event can be a part of: lists of values in several fields multiply. */
const maxGroupsOfEvent = 16;
/** Tuples of values that one event can have: lists of values in several fields multiply. */
const maxTuplesOfEvent = 256;

/** What a correlation takes out of an event: the groups that it is a part of, and what is measured of it. */
export class EventReader {
  readonly #groupFields: readonly (readonly string[])[];
  readonly #valueFields: readonly (readonly string[])[];
  readonly #value: WindowPlan['value'];
  readonly #valuesOf: FieldSource;
  readonly #gaveUp: () => void;

  /** @param gaveUp told of an event with more groups, or tuples of values, than one may have: the first of them count */
  constructor(
    { aliases, groupBy, fields, rules }: Correlation,
    value: WindowPlan['value'],
    valuesOf: FieldSource,
    gaveUp: () => void,
  ) {
    // What is over all findings has no rules of its own.
    const places = rules.length === 0 ? [''] : rules;
    const fieldsOf = (names: readonly string[]): (readonly string[])[] =>
      places.map((rule) => names.map((name) => aliases.get(name)?.get(rule) ?? name));
    this.#groupFields = fieldsOf(groupBy);
    this.#valueFields = fieldsOf(fields);
    this.#value = value;
    this.#valuesOf = valuesOf;
    this.#gaveUp = gaveUp;
  }

  /** What is measured of an event, or told apart: nothing where it does not have the field. */
  valuesIn({ event, points }: MatchedEvent, rule: number): readonly (string | number | undefined)[] {
    const fields = this.#valueFields[rule]!;
    switch (this.#value) {
      case 'none':
        return nothing;
      case 'points':
        return [points];
      case 'number': {
        const number = numberIn(this.#valuesOf(event, fields[0]!));
        return number === undefined ? [] : [number];
      }
      case 'text': {
        if (fields.length === 1) return this.#scalarsOf(event, fields[0]!);
        let tuples: (string | number)[][] = [[]];
        for (const field of fields) {
          const values = this.#scalarsOf(event, field);
          tuples = tuples.flatMap((tuple) => values.map((value) => [...tuple, value]));
          if (tuples.length > maxTuplesOfEvent) {
            tuples.length = maxTuplesOfEvent;
            this.#gaveUp();
          }
        }
        return tuples.map((tuple) => JSON.stringify(tuple));
      }
    }
  }

  /** The values of a field, each once. */
  #groupValuesOf(event: RuleEvent, field: string): readonly GroupValue[] {
    const values = this.#valuesOf(event, field);
    if (values === undefined) return [];
    if (values.length === 1) return isGroupValue(values[0]) ? [values[0]] : [];
    return [...new Set(values.filter(isGroupValue))];
  }

  #scalarsOf(event: RuleEvent, field: string): readonly (string | number)[] {
    return this.#groupValuesOf(event, field).map(heldValue);
  }

  /** The groups that an event is a part of: none where it lacks a field to group by. */
  keysOf({ event, partition }: MatchedEvent, rule: number): readonly string[] {
    // A key is the JSON text of a list: that of the partition, then those of the values.
    let keys = [`[${jsonOf(partition)}`];
    for (const field of this.#groupFields[rule]!) {
      const values = this.#groupValuesOf(event, field);
      if (values.length === 1) {
        const last = jsonOf(values[0]!);
        for (let i = 0; i < keys.length; i++) keys[i] += `,${last}`;
        continue;
      }
      keys = keys.flatMap((key) => values.map((value) => `${key},${jsonOf(value)}`));
      if (keys.length > maxGroupsOfEvent) {
        keys.length = maxGroupsOfEvent;
        this.#gaveUp();
      }
    }
    for (let i = 0; i < keys.length; i++) keys[i] += ']';
    return keys;
  }
}

/** As `JSON.stringify` has it, which is slow for the short texts that most values are. */
function jsonOf(value: GroupValue): string {
  return typeof value === 'string' && isPlain(value) ? `"${value}"` : JSON.stringify(value);
}

/** Whether JSON has the text as it is. */
function isPlain(text: string): boolean {
  if (text.length > 64) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false;
  }
  return true;
}

const isGroupValue = (value: unknown): value is GroupValue =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

/** Texts longer than this are held as their beginning and their hash: what a value costs does not depend on it. */
const maxHeldText = 256;
const heldStart = 64;

function heldValue(value: GroupValue): string | number {
  if (typeof value === 'boolean') return textOf(value)!;
  if (typeof value === 'number' || value.length <= maxHeldText) return value;
  return `${value.slice(0, heldStart)}\u2026${bytesToHex(sha256(utf8ToBytes(value)))}`;
}

function numberIn(values: readonly unknown[] | undefined): number | undefined {
  for (const value of values ?? []) {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number === 'number' && Number.isFinite(number)) return number;
  }
  return undefined;
}
