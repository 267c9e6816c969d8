/** An event that rules look at: JSON of any shape. */
export type RuleEvent = Readonly<Record<string, unknown>>;

/** Where the values of fields come from; undefined where there is no such field. The list is the caller's. */
export type FieldSource = (event: RuleEvent, name: string) => unknown[] | undefined;

/**
 * The values of a field: of an array all of its elements. A name is first the name of a key as it is, then a path whose
 * steps are parted by dots; arrays on the way stand for each of their elements. Undefined when there is no such field. The
 * list is the caller's.
 */
export function fieldValues(event: RuleEvent, name: string): unknown[] | undefined {
  return collect(event, name, undefined);
}

function collect(value: unknown, name: string, found: unknown[] | undefined): unknown[] | undefined {
  if (Array.isArray(value)) {
    let all = found;
    for (const element of value) all = collect(element, name, all);
    return all;
  }
  if (typeof value !== 'object' || value === null) return found;
  const object = value as RuleEvent;
  if (Object.hasOwn(object, name)) return withValue(found, object[name]);
  const dot = name.indexOf('.');
  if (dot <= 0) return found;
  const head = name.slice(0, dot);
  return Object.hasOwn(object, head) ? collect(object[head], name.slice(dot + 1), found) : found;
}

/**
 * Adds a value, of an array its elements, to a list. With the first value it is made, with room for no more: most fields
 * have one, and a list that grows takes many times that.
 */
export function withValue(list: unknown[] | undefined, value: unknown): unknown[] {
  if (Array.isArray(value)) {
    const all = list ?? [];
    for (const element of value) withValue(all, element);
    return all;
  }
  if (list === undefined) return [value];
  list.push(value);
  return list;
}

/** Every scalar in an event, at any depth; names of keys are none. The list is the caller's. */
export function scalarsIn(event: RuleEvent): unknown[] {
  const found: unknown[] = [];
  addScalars(event, found);
  return found;
}

function addScalars(value: unknown, into: unknown[]): void {
  if (typeof value !== 'object' || value === null) into.push(value);
  else if (Array.isArray(value)) for (const element of value) addScalars(element, into);
  else for (const key in value) addScalars((value as RuleEvent)[key], into);
}

/** A scalar as text, as rules compare it; undefined for what is no scalar, and for null. */
export function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return numberText(value);
    case 'boolean':
    case 'bigint':
      return String(value);
    default:
      return undefined;
  }
}

/** A number without exponent. */
function numberText(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return text;
  return Number.isInteger(value) ? BigInt(value).toString() : value.toFixed(20).replace(/0+$/, '');
}
