import type { Correlation } from './correlation.ts';
import { needsLocation } from './derived-fields.ts';
import type { Detection } from './detection.ts';
import type { LoadedRules } from './load.ts';
import type { DetectionItem } from './values.ts';

/** What a detection asks for, however deep it stands. */
export function* itemsOf(detection: Detection): Generator<DetectionItem, undefined> {
  switch (detection.op) {
    case 'item':
      yield detection.item;
      break;
    case 'not':
      yield* itemsOf(detection.part);
      break;
    default:
      for (const part of detection.parts) yield* itemsOf(part);
  }
  return undefined;
}

/** The fields that a detection looks at, without those that it compares them with. */
export function fieldsIn(detection: Detection): Set<string> {
  return new Set([...itemsOf(detection)].flatMap(({ field }) => field ?? []));
}

/** The fields whose values a detection compares others with. */
export function referencesIn(detection: Detection): Set<string> {
  const values = [...itemsOf(detection)].flatMap((item) => item.values.flat());
  return new Set(values.flatMap((value) => (value.op === 'fieldref' ? value.field : [])));
}

/** The fields that a correlation looks at, those behind aliases included. */
export function fieldsOf({ groupBy, fields, aliases }: Correlation): Set<string> {
  const behind = [...aliases.values()].flatMap((byRule) => [...byRule.values()]);
  return new Set([...groupBy, ...fields, ...behind]);
}

/** A rule that can be loaded, and finds nothing where nobody says where addresses are. */
export interface LocationNeed {
  readonly rule: string;
  readonly message: string;
}

/**
 * Rules that need to know where addresses are. Without a `locate` in the options of a detector they find nothing, or less:
 * whoever runs them then has to say so.
 */
export function withoutLocations({
  rules,
  correlations,
}: Pick<LoadedRules, 'rules' | 'correlations'>): readonly LocationNeed[] {
  const need = (rule: string, what: string): LocationNeed => ({
    rule,
    message: `${what} needs a database that says where addresses are; without one the rule has no data`,
  });
  return [
    ...rules.flatMap(({ key, detection }) => {
      const field = [...fieldsIn(detection)].find(needsLocation);
      return field === undefined ? [] : [need(key, field)];
    }),
    ...correlations.flatMap(({ key, document: { correlation } }) => {
      if (correlation.type === 'impossible_travel') return [need(key, correlation.type)];
      const field = [...fieldsOf(correlation)].find(needsLocation);
      return field === undefined ? [] : [need(key, field)];
    }),
  ];
}
