import type { Correlation } from './correlation.ts';
import { at } from './detection.ts';
import { entryOf, type Located, type LocatedMap } from './located.ts';
import { textsOf } from './located-values.ts';
import { RuleError } from './rule-error.ts';
import { parseTimespan } from './timespan.ts';

/** Kinds of correlation that Sigma does not have. They are written like those that it has. */
export const kindTypes = [
  'new_terms',
  'rate',
  'silence',
  'sequence_gap',
  'impossible_travel',
  'risk',
] as const;
export type KindType = (typeof kindTypes)[number];

/** What the condition of such a correlation says, defaults filled in. */
export type KindSettings =
  | {
      readonly type: 'new_terms';
      /** Other values that a group must have shown before a new one says something. */
      readonly known: number;
      /** How long a group must have been heard of. */
      readonly learnMs: number;
      /**
       * How far back a value must have been seen, to be one that comes again; 0: it must not. Then neither other values nor a
       * time to learn are asked for.
       */
      readonly againMs: number;
      /** Values kept of a group; beyond, the one seen longest ago is given up, and will be new again. */
      readonly remember: number;
    }
  | {
      readonly type: 'rate';
      /** Events in a window that are needed in any case. */
      readonly least: number;
      /** How many times the median of the windows before. */
      readonly factor: number;
      /** Windows with events that the median is made of, at the least. */
      readonly known: number;
      readonly historyMs: number;
    }
  | {
      readonly type: 'silence';
      /** Events that a group must have had. */
      readonly least: number;
      /** When a silent group is given up. */
      readonly historyMs: number;
    }
  | {
      readonly type: 'sequence_gap';
      /** Missing numbers that are needed. */
      readonly least: number;
      /** When a group of which nothing is heard is given up. */
      readonly historyMs: number;
    }
  | {
      readonly type: 'impossible_travel';
      readonly speedKmh: number;
      readonly distanceKm: number;
    }
  | { readonly type: 'risk' };

/** A key of a condition: what it takes, and what holds where it is absent. */
interface Setting {
  readonly kind: 'count' | 'number' | 'timespan';
  /** Absent: it has to be there. */
  readonly absent?: number;
  readonly least: number;
  readonly most: number;
}

const day = 86_400_000;
const year = 366 * day;
const count = (absent: number, most: number): Setting => ({ kind: 'count', absent, least: 1, most });
const timespan = (absent: number): Setting => ({ kind: 'timespan', absent, least: 1000, most: 2 * year });

/** What the conditions take beside `field`. */
const settingsOf = {
  new_terms: {
    known: count(1, 1000),
    learn: { ...timespan(0), least: 0 },
    again: { ...timespan(0), least: 0 },
    remember: count(1000, 10_000),
  },
  rate: {
    gte: { kind: 'count', least: 1, most: 1e9 },
    factor: { kind: 'number', least: 1, most: 1000 },
    known: count(5, 1000),
    history: timespan(14 * day),
  },
  silence: { gte: count(1, 1e6), history: timespan(30 * day) },
  sequence_gap: {
    gte: count(1, 1e9),
    history: timespan(7 * day),
  },
  impossible_travel: {
    speed: { kind: 'number', absent: 1000, least: 1, most: 1e6 },
    distance: { kind: 'number', absent: 100, least: 0, most: 20_000 },
  },
  risk: { gte: { kind: 'count', least: 1, most: 100_000 } },
} as const satisfies Readonly<Record<KindType, Readonly<Record<string, Setting>>>>;

const takesField: ReadonlySet<KindType> = new Set(['new_terms', 'sequence_gap', 'impossible_travel']);

/** Windows that a baseline can be made of. */
const maxWindows = 1000;

/** Reads the condition of a correlation that Sigma does not have. @throws RuleError */
export function readKind(
  type: KindType,
  map: LocatedMap,
  timespanMs: number,
): Pick<Correlation, 'fields' | 'threshold' | 'kind'> {
  const entry = entryOf(map, 'condition');
  if (entry !== undefined && entry.value.kind !== 'map')
    throw new RuleError(`expected a map such as ${exampleOf(type)}`, entry.value);
  const written = entry?.value.kind === 'map' ? entry.value : undefined;
  const settings: Readonly<Record<string, Setting>> = settingsOf[type];
  const hasField = takesField.has(type);
  for (const { key, keyPosition } of written?.entries ?? [])
    if (!(key in settings) && !(hasField && key === 'field'))
      throw new RuleError(`the condition of ${type} has no key ${key.slice(0, 64)}`, keyPosition);
  const place: Located = written ?? map;
  const field = written && entryOf(written, 'field')?.value;
  if (hasField && field === undefined)
    throw new RuleError('expected the field to look at in the condition', place);
  const fields = field === undefined ? [] : textsOf(field);
  if (type !== 'new_terms' && fields.length > 1) throw new RuleError('expected one field', field);
  const values = Object.fromEntries(
    Object.entries(settings).map(([key, setting]) => [key, readSetting(key, setting, written, place)]),
  );
  const threshold = type === 'risk' ? { gte: values['gte']! } : {};
  return { fields, threshold, kind: at(place, () => kindOf(type, values, timespanMs)) };
}

function readSetting(
  key: string,
  { kind, absent, least, most }: Setting,
  written: LocatedMap | undefined,
  place: Located,
): number {
  const value = written && entryOf(written, key)?.value;
  if (value === undefined) {
    if (absent === undefined) throw new RuleError(`expected ${key} in the condition`, place);
    return absent;
  }
  if (kind === 'timespan') {
    if (value.kind !== 'scalar' || typeof value.value !== 'string')
      throw new RuleError('expected a time span such as 90s, 15m, 1h or 7d', value);
    const text = value.value;
    const spanMs = at(value, () => parseTimespan(text));
    if (spanMs > most) throw new RuleError(`${key}: expected at most two years`, value);
    return spanMs;
  }
  const number = value.kind === 'scalar' ? value.value : undefined;
  const isNumber = typeof number === 'number' && (kind === 'number' || Number.isSafeInteger(number));
  if (!isNumber || number < least || number > most)
    throw new RuleError(
      `${key}: expected a ${kind === 'count' ? 'whole number' : 'number'} from ${least} to ${most}`,
      value,
    );
  return number;
}

/** @throws RuleError for what does not go together */
function kindOf(type: KindType, values: Readonly<Record<string, number>>, timespanMs: number): KindSettings {
  const [historyMs, least] = [values['history']!, values['gte']!];
  switch (type) {
    case 'new_terms': {
      const [known, learnMs, remember] = [values['known']!, values['learn']!, values['remember']!];
      if (remember < known) throw new RuleError('remember: expected at least as many as known');
      if (learnMs >= timespanMs)
        throw new RuleError('learn: expected less than timespan, which is how long a group is remembered');
      const againMs = values['again']!;
      if (againMs === 0) return { type, known, learnMs, againMs, remember };
      if (againMs <= timespanMs) throw new RuleError('again: expected more than timespan');
      if (known > 1 || learnMs > 0) throw new RuleError('again: expected neither known nor learn beside it');
      return { type, known: 0, learnMs, againMs, remember };
    }
    case 'rate': {
      const known = values['known']!;
      const windows = Math.floor(historyMs / timespanMs);
      if (windows < known || windows > maxWindows)
        throw new RuleError(
          `history: expected from known (${known}) to ${maxWindows} times timespan, found ${windows} times`,
        );
      return { type, least, factor: values['factor']!, known, historyMs };
    }
    case 'silence':
    case 'sequence_gap': {
      if (historyMs <= timespanMs) throw new RuleError('history: expected more than timespan');
      return { type, least, historyMs };
    }
    case 'impossible_travel':
      return { type, speedKmh: values['speed']!, distanceKm: values['distance']! };
    case 'risk':
      return { type };
  }
}

function exampleOf(type: KindType): string {
  const keys = Object.keys(settingsOf[type]);
  return `{${[...(takesField.has(type) ? ['field: ...'] : []), ...keys.map((key) => `${key}: ...`)].join(', ')}}`;
}
