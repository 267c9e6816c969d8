import { type Entry, type Field, fields } from '@sealtrail/core';
import { AddressValues, TextValues, type WordTerms } from './field-values.ts';
import { HashColumn } from './hashes.ts';
import { NumberColumn } from './numbers.ts';
import type { PostingArena } from './postings.ts';
import { fieldCode } from './terms.ts';

/** Where the values of one field of the table go. */
export interface FieldSink {
  readonly code: string;
  /** The last key of the field's path. */
  readonly key: string;
  /** Term of the entries that have the field. */
  readonly present: number;
  readonly values: TextValues | AddressValues | NumberColumn | HashColumn;
}

/** Fields that lie in one object of the entry, which is looked up once for all of them. */
interface SinkGroup {
  readonly path: readonly string[];
  readonly many: boolean;
  readonly sinks: FieldSink[];
}

/** Where the fields of entries go, all but times and trails, which are kept in ways of their own. */
export class FieldSinks {
  /** By the code of the field. */
  readonly byCode: ReadonlyMap<string, FieldSink>;
  readonly #arena: PostingArena;
  readonly #groups: readonly SinkGroup[];

  /** @param words where the words of texts go */
  constructor(arena: PostingArena, words: WordTerms) {
    this.#arena = arena;
    const groups = new Map<string, SinkGroup>();
    for (const field of fields) {
      if (field.kind === 'time' || field.name === 'trail') continue;
      const path = field.path.slice(0, -1);
      const group = groups.get(path.join('.')) ?? { path, many: field.many, sinks: [] };
      groups.set(path.join('.'), group);
      group.sinks.push(sinkOf(field, arena, words));
    }
    this.#groups = [...groups.values()];
    this.byCode = new Map(this.#groups.flatMap(({ sinks }) => sinks.map((sink) => [sink.code, sink])));
  }

  add(number: number, entry: Entry): void {
    for (const { path, many, sinks } of this.#groups) {
      const parent = objectAt(entry, path);
      if (parent === undefined) continue;
      if (!many) this.#addObject(number, parent as Record<string, unknown>, sinks);
      else
        for (const element of parent as readonly Record<string, unknown>[])
          this.#addObject(number, element, sinks);
    }
  }

  #addObject(number: number, parent: Readonly<Record<string, unknown>>, sinks: readonly FieldSink[]): void {
    for (const { key, present, values } of sinks) {
      const value = parent[key];
      if (value === undefined) continue;
      this.#arena.add(present, number);
      if (values instanceof NumberColumn) values.add(number, value as number);
      else values.add(number, value as string);
    }
  }
}

function objectAt(entry: Entry, path: readonly string[]): unknown {
  let parent: unknown = entry;
  for (const step of path) {
    parent = (parent as Record<string, unknown>)[step];
    if (parent === undefined) return undefined;
  }
  return parent;
}

function sinkOf(field: Field, arena: PostingArena, words: WordTerms): FieldSink {
  const code = fieldCode(field);
  const present = arena.newTerm('');
  const key = field.path.at(-1)!;
  if (field.unique) return { code, key, present, values: new HashColumn() };
  if (field.kind === 'number') return { code, key, present, values: new NumberColumn() };
  if (field.kind === 'ip') return { code, key, present, values: new AddressValues(arena) };
  const values = new TextValues(arena, field.search === 'words' ? words : undefined);
  return { code, key, present, values };
}
