import { SealtrailError } from '../errors.ts';
import { canonicalJson } from '../event/canonical.ts';
import type { Event, JsonValue } from '../event/event.ts';
import { eventLimits } from '../event/limits.ts';
import type { SourcedEvent } from '../sigma/detector.ts';
import { fieldValues, type RuleEvent } from '../sigma/event-fields.ts';
import type { MappedEvent } from './event-template.ts';
import { Kind } from './kind.ts';
import { parseLine } from './line-record.ts';
import type { SourceMapping } from './mapping-schema.ts';
import { type Omission, parseRecord, storable } from './record.ts';
import type { LineClock } from './source-time.ts';

/** What a record becomes. */
export type Mapped =
  | {
      readonly is: 'event';
      /** Valid, without id, tenant and trail. Its time is absent where a line has none. */
      readonly event: Event;
      /** What makes the record this one among all of its source: records of which it is the same are the same. */
      readonly identity: string;
      /** What it is known by where another record has that identity already: what a source names twice is not lost. */
      readonly content: () => string;
    }
  /** It is not what the source is imported for. */
  | { readonly is: 'skipped' };

export interface MapOptions {
  /** Why the original is not to be kept, where that is known already. */
  readonly omit?: Omission;
}

/** The place of the original in an entry: `metadata.<name>`. */
const names = {
  source: 'source',
  original: 'original',
  omitted: 'originalOmitted',
  fields: 'originalFields',
} as const;

/** What an entry has beside its event: id, receive time, trail, tenant, schema version. */
const entryOverheadBytes = 1024;
/** Of each field that is kept in the place of an original, in the first attempt and in the last. */
const briefCharacters = 1024;
const leastCharacters = 64;
/** Lines in entries have been read before: what they are is known, and when does not matter. */
const anyClock: LineClock = { latestMs: Date.UTC(2024, 11, 31), offsetMinutes: 0 };

/** One source: its mapping, ready for use. Shared by any number of imports. */
export class Source {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly title: string;
  readonly input: SourceMapping['input'];
  /** Where records lie in what they are delivered in: paths. */
  readonly envelopes: readonly string[];
  /** By the spelling in small letters. */
  readonly #spellings: ReadonlyMap<string, string>;
  readonly #otherwise: SourceMapping['otherwise'];
  readonly #kinds: readonly Kind[];

  /** @throws RuleError for a template, a filter, a table or a pattern that cannot be used */
  constructor({
    name,
    aliases = [],
    title,
    input,
    envelopes = [],
    spellings = [],
    otherwise,
    tables = {},
    kinds,
  }: SourceMapping) {
    this.name = name;
    this.aliases = aliases;
    this.title = title;
    this.input = input;
    this.envelopes = envelopes;
    this.#spellings = new Map(spellings.map((field) => [field.toLowerCase(), field]));
    this.#otherwise = otherwise;
    this.#kinds = kinds.map((kind) => new Kind(kind, tables));
  }

  /**
   * The records that a JSON text holds: itself, or those in the envelope that it is.
   *
   * @throws SealtrailError malformed_json | unknown_record
   */
  recordsIn(text: string): readonly RuleEvent[] {
    return this.#open(parseRecord(text));
  }

  /** Envelopes lie in envelopes: as deep as the parser has let them. */
  #open(record: RuleEvent): readonly RuleEvent[] {
    if (this.#isKnown(record)) return [record];
    for (const path of this.envelopes) {
      const values = fieldValues(record, path);
      if (values?.every(isRecord)) return values.flatMap((one) => this.#open(one));
    }
    const spelled = this.#spell(record);
    return [this.#isKnown(spelled) ? spelled : record];
  }

  #isKnown(record: RuleEvent): boolean {
    return this.#kinds.some((kind) => kind.holds(record));
  }

  #spell(record: RuleEvent): RuleEvent {
    return Object.fromEntries(
      Object.entries(record).map(([name, value]) => [this.#spellings.get(name) ?? name, value]),
    );
  }

  /** Maps one record of {@link recordsIn}. @throws SealtrailError unknown_record | invalid_time */
  map(record: RuleEvent, options: MapOptions = {}): Mapped {
    const kind = this.#kindOf(record);
    if (kind === undefined) return { is: 'skipped' };
    const timeMs = kind.timeOf(record);
    const id = kind.idOf(record);
    const original = options.omit === undefined ? storable(record) : { omitted: options.omit };
    const content = (): string => `record ${canonicalJson(record as JsonValue)}`;
    return {
      is: 'event',
      event: this.#eventOf(kind, record, timeMs, original),
      identity: id === undefined ? content() : `id ${id}`,
      content,
    };
  }

  /**
   * Maps one line.
   *
   * @param ordinal how many lines like it came before in the same input: a line has no name of its own, and is known by its
   *   text and this number
   * @throws SealtrailError malformed_line | unknown_record
   */
  mapLine(line: string, ordinal: number, clock: LineClock, options: MapOptions = {}): Mapped {
    const text = line.toWellFormed();
    const parsed = this.input === 'json' ? undefined : parseLine(this.input, text, clock);
    if (parsed === undefined) throw new SealtrailError('malformed_line', `expected a line of ${this.title}`);
    const kind = 'skipped' in parsed ? undefined : this.#kindOf(parsed.record);
    if ('skipped' in parsed || kind === undefined) return { is: 'skipped' };
    const record = kind.addFields(parsed.record);
    const { time } = parsed.record;
    const original = options.omit === undefined ? { value: text } : { omitted: options.omit };
    return {
      is: 'event',
      event: this.#eventOf(kind, record, typeof time === 'number' ? time : undefined, original),
      identity: `line ${ordinal} ${text}`,
      content: () => `another line ${ordinal} ${text}`,
    };
  }

  /**
   * How rules for the product see an entry, by its metadata: with the field names of the original. Undefined for what this
   * source cannot have written: anybody who may report events may report metadata.
   */
  view(metadata: RuleEvent): SourcedEvent | undefined {
    const { [names.original]: original, [names.fields]: fields } = metadata;
    if (this.input === 'json') {
      for (const record of [original, fields]) {
        const kind = isRecord(record) ? this.#kinds.find((one) => one.holds(record)) : undefined;
        if (kind !== undefined) return { event: record as RuleEvent, logsource: kind.logsource };
      }
      return undefined;
    }
    if (typeof original === 'string') {
      const parsed = parseLine(this.input, original, anyClock);
      if (parsed === undefined || 'skipped' in parsed) return undefined;
      const kind = this.#kinds.find((one) => one.holds(parsed.record));
      return kind && { event: kind.fieldsOf(kind.addFields(parsed.record)), logsource: kind.logsource };
    }
    const kind = isRecord(fields) ? this.#kinds.find((one) => one.holds(fields)) : undefined;
    return kind && { event: fields as RuleEvent, logsource: kind.logsource };
  }

  #kindOf(record: RuleEvent): Kind | undefined {
    const kind = this.#kinds.find((one) => one.holds(record));
    if (kind === undefined && this.#otherwise === 'refuse')
      throw new SealtrailError('unknown_record', `expected a record of ${this.title}`);
    return kind;
  }

  #eventOf(
    kind: Kind,
    record: RuleEvent,
    timeMs: number | undefined,
    original: ReturnType<typeof storable>,
  ): Event {
    const mapped = kind.map(record);
    const event = timeMs === undefined ? mapped : { ...mapped, time: new Date(timeMs).toISOString() };
    if ('value' in original) {
      const whole = this.#with(event, { [names.original]: original.value as JsonValue });
      if (fitsEntry(whole)) return whole;
    }
    const omitted = 'omitted' in original ? original.omitted : 'too_large';
    const without = (base: MappedEvent, charactersAField: number): Event =>
      this.#with(base, {
        [names.omitted]: omitted,
        [names.fields]: kind.briefFieldsOf(record, charactersAField),
      });
    const brief = without(event, briefCharacters);
    if (fitsEntry(brief)) return brief;
    // Whoever fills a record with what takes much room does not keep it out of the log.
    const { targets, context, reason, metadata, ...rest } = event;
    return without(rest, leastCharacters);
  }

  #with(event: MappedEvent, further: Readonly<Record<string, JsonValue>>): Event {
    return { ...event, metadata: { ...event.metadata, [names.source]: this.name, ...further } };
  }
}

const isRecord = (value: unknown): value is RuleEvent =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const encoder = /* @__PURE__ */ new TextEncoder();

function fitsEntry(event: Event): boolean {
  const room = eventLimits.entryBytes - entryOverheadBytes;
  const text = JSON.stringify(event);
  // A UTF-16 unit becomes three bytes of UTF-8 at most.
  return 3 * text.length <= room || (text.length <= room && encoder.encode(text).length <= room);
}
