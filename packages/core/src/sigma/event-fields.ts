/** An event that rules look at: JSON of any shape. */
export type RuleEvent = Readonly<Record<string, unknown>>;

/** Where the values of fields come from; undefined where there is no such field. */
export type FieldSource = (event: RuleEvent, name: string) => readonly unknown[] | undefined;

const none: readonly unknown[] = [];

/**
 * The values of a field: of an array all of its elements. A name is first the name of a key as it is, then a path whose
 * steps are parted by dots; arrays on the way stand for each of their elements. Undefined when there is no such field.
 */
export function fieldValues(event: RuleEvent, name: string): readonly unknown[] | undefined {
  const found: unknown[] = [];
  return collect(event, name, found) ? found : undefined;
}

function collect(value: unknown, name: string, into: unknown[]): boolean {
  if (Array.isArray(value)) {
    let isThere = false;
    for (const element of value) if (collect(element, name, into)) isThere = true;
    return isThere;
  }
  if (typeof value !== 'object' || value === null) return false;
  const object = value as RuleEvent;
  if (Object.hasOwn(object, name)) {
    flatten(object[name], into);
    return true;
  }
  const dot = name.indexOf('.');
  if (dot <= 0) return false;
  const head = name.slice(0, dot);
  return Object.hasOwn(object, head) && collect(object[head], name.slice(dot + 1), into);
}

function flatten(value: unknown, into: unknown[]): void {
  if (Array.isArray(value)) for (const element of value) flatten(element, into);
  else into.push(value);
}

/** Every scalar in an event, at any depth; names of keys are none. */
export function scalarsIn(event: RuleEvent): readonly unknown[] {
  const found: unknown[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
    else found.push(value);
  };
  visit(event);
  return found.length === 0 ? none : found;
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
