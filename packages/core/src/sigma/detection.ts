import { type Condition, parseCondition } from './condition.ts';
import type { Located, LocatedEntry, LocatedMap, Scalar } from './located.ts';
import { parseItem } from './modifiers.ts';
import { type Position, RuleError } from './rule-error.ts';
import { canHold } from './satisfiable.ts';
import type { DetectionItem } from './values.ts';

/** What an event is held against. `name`: the search identifier that it was written as. */
export type Detection = { readonly name?: string } & (
  | { readonly op: 'and' | 'or'; readonly parts: readonly Detection[] }
  | { readonly op: 'not'; readonly part: Detection }
  | { readonly op: 'item'; readonly item: DetectionItem }
);

/**
 * Reads the part `detection` of a rule: its search identifiers, put together by its condition. Of several conditions any
 * is enough.
 *
 * @throws RuleError
 */
export function parseDetection(map: LocatedMap): Detection {
  const identifiers = readIdentifiers(map, ['condition']);
  const condition = map.entries.find(({ key }) => key === 'condition');
  if (!condition) throw new RuleError('expected a condition', map);
  const conditions = condition.value.kind === 'list' ? condition.value.items : [condition.value];
  if (conditions.length === 0) throw new RuleError('expected a condition', condition.value);
  return join(
    'or',
    conditions.map((located) => {
      if (located.kind !== 'scalar' || typeof located.value !== 'string')
        throw new RuleError('expected the text of a condition', located);
      const text = located.value;
      return apply(readHoldable(located, text, identifiers), identifiers);
    }),
  );
}

/** A condition over search identifiers that some event can meet. @throws RuleError */
export function readHoldable(
  position: Position,
  text: string,
  identifiers: ReadonlyMap<string, Detection>,
): Condition {
  return at(position, () => {
    const condition = parseCondition(text, [...identifiers.keys()]);
    if (!canHold(condition)) throw new RuleError('the condition contradicts itself: it never holds');
    return condition;
  });
}

/** Search identifiers of a rule, or of a filter, that nothing asks for. */
export function unusedIn(identifiers: Iterable<string>, used: Iterable<string>): readonly string[] {
  const known = new Set(used);
  return [...identifiers].filter((name) => !known.has(name));
}

/** The search identifiers that a detection is made of. */
export function* identifiersIn(detection: Detection): Generator<string, undefined> {
  if (detection.name !== undefined) yield detection.name;
  else if (detection.op === 'not') yield* identifiersIn(detection.part);
  else if (detection.op !== 'item') for (const part of detection.parts) yield* identifiersIn(part);
  return undefined;
}

/** The search identifiers of a detection or a filter. @throws RuleError */
export function readIdentifiers(map: LocatedMap, reserved: readonly string[]): Map<string, Detection> {
  const identifiers = new Map<string, Detection>();
  for (const { key, keyPosition, value } of map.entries) {
    if (reserved.includes(key)) continue;
    if (key === 'timeframe')
      throw new RuleError('timeframe is not part of Sigma any more; write a correlation rule', keyPosition);
    identifiers.set(key, { ...readSearch(value), name: key });
  }
  if (identifiers.size === 0) throw new RuleError('expected a search identifier', map);
  return identifiers;
}

/** Puts search identifiers in the place of their names. */
export function apply(condition: Condition, identifiers: ReadonlyMap<string, Detection>): Detection {
  switch (condition.op) {
    case 'is':
      return identifiers.get(condition.name)!;
    case 'not':
      return { op: 'not', part: apply(condition.part, identifiers) };
    default:
      return join(
        condition.op,
        condition.parts.map((part) => apply(part, identifiers)),
      );
  }
}

export const join = (op: 'and' | 'or', parts: readonly Detection[]): Detection =>
  parts.length === 1 ? parts[0]! : { op, parts };

function readSearch(located: Located): Detection {
  switch (located.kind) {
    case 'scalar':
      return at(located, () => itemOf('', [located.value]));
    case 'map':
      if (located.entries.length === 0) throw new RuleError('expected at least one field', located);
      return join('and', located.entries.map(readField));
    case 'list':
      return readList(located.items, located);
  }
}

/** A list of scalars are keywords; anything else is read one by one. Any of them is enough. */
function readList(items: readonly Located[], position: Position): Detection {
  if (items.length === 0) throw new RuleError('expected at least one value', position);
  return join('or', items.map(readSearch));
}

function readField({ key, keyPosition, value }: LocatedEntry): Detection {
  return at(keyPosition, () => itemOf(key, scalarsOf(value)));
}

function scalarsOf(value: Located): Scalar[] {
  if (value.kind === 'map') throw new RuleError('expected a value or a list of values', value);
  const items = value.kind === 'list' ? value.items : [value];
  return items.map((item) => {
    if (item.kind !== 'scalar') throw new RuleError('expected a text, a number, true, false or null', item);
    return item.value;
  });
}

function itemOf(key: string, written: readonly Scalar[]): Detection {
  const item = parseItem(key, written);
  // A field without any value is the question whether there is none.
  if (item.values.length > 0) return { op: 'item', item };
  if (item.field === undefined) throw new RuleError('expected at least one keyword');
  return { op: 'item', item: { ...item, values: [[{ op: 'null' }]] } };
}

/** Gives faults without a place the place where the work began. */
export function at<T>(position: Position, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RuleError && error.position === undefined)
      throw new RuleError(error.message, { line: position.line, column: position.column });
    throw error;
  }
}
