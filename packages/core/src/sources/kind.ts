import { SealtrailError } from '../errors.ts';
import type { RuleEvent } from '../sigma/event-fields.ts';
import type { Logsource } from '../sigma/rule-schema.ts';
import { compileEvent, cut, type MappedEvent } from './event-template.ts';
import {
  compileConditions,
  compileExpression,
  type Holds,
  type Read,
  readTexts,
  type Tables,
} from './expression.ts';
import { type AddFields, compilePatterns } from './line-patterns.ts';
import type { KindMapping } from './mapping-schema.ts';
import { parseSourceTime } from './source-time.ts';

/** Values of a field that is kept in the place of an original. */
const maxValues = 64;

/** Records of one sort in a source. */
export class Kind {
  readonly logsource: Logsource;
  /** Whether a record is of this kind. */
  readonly holds: Holds;
  /** Adds what the message of a line says. */
  readonly addFields: AddFields;
  readonly #id: Read | undefined;
  readonly #time: Read | undefined;
  readonly #event: (record: RuleEvent) => MappedEvent | undefined;
  readonly #view: readonly ViewField[];

  /** @throws RuleError */
  constructor(
    { logsource, when, texts = [], patterns, id, time, event, view, keep }: KindMapping,
    tables: Tables,
  ) {
    const { category, product, service } = logsource;
    this.logsource = {
      ...(category !== undefined && { category }),
      ...(product !== undefined && { product }),
      ...(service !== undefined && { service }),
    };
    const conditionsHold = compileConditions(when);
    this.holds = (record) => conditionsHold(record) && texts.every((path) => isTextOrAbsent(record[path]));
    this.addFields = patterns === undefined ? (record) => record : compilePatterns(patterns);
    this.#id = id === undefined ? undefined : compileExpression(id, tables);
    this.#time = time === undefined ? undefined : compileExpression(time, tables);
    this.#event = compileEvent(event, tables);
    this.#view = [
      ...Object.entries(view ?? {}).map(([name, given]): ViewField => {
        const isSeveral = typeof given === 'object' && 'all' in given;
        const list = isSeveral ? given.all : [given];
        const reads = list.map((one) => compileExpression(one, tables));
        return [name, (record) => reads.flatMap((read) => read(record) ?? [])];
      }),
      ...(keep ?? []).map((path): ViewField => [path, (record) => readTexts(record, path)]),
    ];
  }

  /** @throws SealtrailError unknown_record, when the record says nothing that was done */
  map(record: RuleEvent): MappedEvent {
    const event = this.#event(record);
    if (event === undefined)
      throw new SealtrailError('unknown_record', 'expected a record that names an action');
    return event;
  }

  /** The source's own name of a record. */
  idOf(record: RuleEvent): string | undefined {
    return this.#id?.(record);
  }

  /**
   * When it happened, in milliseconds since 1970; undefined where the mapping names no time.
   *
   * @throws SealtrailError invalid_time, also where the record has none: what came without its time is not put at another
   */
  timeOf(record: RuleEvent): number | undefined {
    if (this.#time === undefined) return undefined;
    const text = this.#time(record);
    const timeMs = text === undefined ? undefined : parseSourceTime(text);
    if (timeMs === undefined)
      throw new SealtrailError('invalid_time', 'expected a time such as 2026-01-31T09:30:00Z');
    return timeMs;
  }

  /** The fields that rules see of a line, or of a record that did not fit into its entry. */
  fieldsOf(record: RuleEvent): Fields {
    return this.#fields(record, (texts) => texts);
  }

  /** As {@link fieldsOf}; what is longer is cut, each field by itself, so that none can crowd out another. */
  briefFieldsOf(record: RuleEvent, charactersAField: number): Fields {
    return this.#fields(record, (texts) => {
      let left = charactersAField;
      return texts.slice(0, maxValues).flatMap((text) => {
        const brief = cut(text, left);
        left -= brief.length;
        return brief === '' ? [] : [brief];
      });
    });
  }

  #fields(record: RuleEvent, change: (texts: readonly string[]) => readonly string[]): Fields {
    const fields: Record<string, string | readonly string[]> = {};
    for (const [name, read] of this.#view) {
      const texts = change(read(record));
      if (texts.length > 0) fields[name] = texts.length === 1 ? texts[0]! : texts;
    }
    return fields;
  }
}

const isTextOrAbsent = (value: unknown): boolean =>
  value === undefined || value === null || typeof value === 'string';

/** Fields with their values, by name. */
export type Fields = Readonly<Record<string, string | readonly string[]>>;

/** A field of a view: its name, and where its values come from. */
type ViewField = readonly [name: string, read: (record: RuleEvent) => readonly string[]];
