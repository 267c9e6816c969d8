import type { z } from 'zod';

/** What a compiled schema answers when a value is not valid, or not surely: the schema itself must be asked. */
export const NOT_SURE: unique symbol = Symbol('notSure');

type Read = (value: unknown) => unknown;

/**
 * Compiles a schema into a function that gives, for a valid JSON value, what the schema's own parser gives, at half its
 * cost: every event pays for it. It knows what events are made of (strict objects, arrays, texts, numbers, lists of
 * names); every other part is left to that part's own parser. It has nothing to say about what is wrong. Members that are
 * undefined count as absent, as in JSON.
 */
export function compileSchema<Output>(
  schema: z.ZodType<Output>,
): (value: unknown) => Output | typeof NOT_SURE {
  return compile(schema) as (value: unknown) => Output | typeof NOT_SURE;
}

function compile(schema: z.core.$ZodType): Read {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  const checks = compileChecks('checks' in def ? def.checks : undefined);
  if (checks === undefined) return askSchema(schema);
  switch (def.type) {
    case 'unknown':
      return (value) => value;
    case 'enum': {
      const names = new Set<unknown>(Object.values(def.entries));
      return (value) => (names.has(value) ? value : NOT_SURE);
    }
    case 'string':
      return 'format' in def ? askSchema(schema) : readChecked((value) => typeof value === 'string', checks);
    case 'number':
      if (!('format' in def)) return readChecked(Number.isFinite, checks);
      return def.format === 'safeint' ? readChecked(Number.isSafeInteger, checks) : askSchema(schema);
    case 'array':
      return readArray(compile(def.element), checks);
    case 'object':
      return isNever(def.catchall) && checks.length === 0 ? readObject(def.shape) : askSchema(schema);
    default:
      return askSchema(schema);
  }
}

/** The schema's own parser, for a part that is not compiled. */
function askSchema(schema: z.core.$ZodType): Read {
  return (value) => {
    const parsed = (schema as z.ZodType).safeParse(value);
    return parsed.success ? parsed.data : NOT_SURE;
  };
}

const isNever = (schema: z.core.$ZodType | undefined): boolean =>
  (schema as z.core.$ZodTypes | undefined)?._zod.def.type === 'never';

/** Whether a value of the right type passes a check. */
// biome-ignore lint/suspicious/noExplicitAny: a check of texts is only ever asked about texts, one of numbers about numbers
type Check = (value: any) => boolean;

/** The checks of a part; undefined when one of them is of another kind. */
function compileChecks(checks: readonly z.core.$ZodCheck<never>[] | undefined): readonly Check[] | undefined {
  const compiled = (checks ?? []).map(compileCheck);
  return compiled.every((check) => check !== undefined) ? compiled : undefined;
}

function compileCheck(check: z.core.$ZodCheck<never>): Check | undefined {
  const { def } = (check as unknown as z.core.$ZodChecks | z.core.$ZodCustom)._zod;
  switch (def.check) {
    case 'min_length':
      return (value) => value.length >= def.minimum;
    case 'max_length':
      return (value) => value.length <= def.maximum;
    case 'string_format': {
      const { pattern } = def;
      return def.format === 'regex' && pattern && !pattern.global && !pattern.sticky
        ? (value: string) => pattern.test(value)
        : undefined;
    }
    case 'greater_than':
      return def.inclusive ? (value) => value >= def.value : (value) => value > def.value;
    case 'less_than':
      return def.inclusive ? (value) => value <= def.value : (value) => value < def.value;
    case 'custom':
      return (value) => def.fn(value) === true;
    default:
      return undefined;
  }
}

function readChecked(isOfType: (value: unknown) => boolean, checks: readonly Check[]): Read {
  return (value) => {
    if (!isOfType(value)) return NOT_SURE;
    for (let i = 0; i < checks.length; i++) if (!checks[i]!(value)) return NOT_SURE;
    return value;
  };
}

function readArray(element: Read, checks: readonly Check[]): Read {
  return (value) => {
    if (!Array.isArray(value) || !checks.every((check) => check(value))) return NOT_SURE;
    const elements: unknown[] = [];
    for (let i = 0; i < value.length; i++) {
      const read = element(value[i]);
      if (read === NOT_SURE) return NOT_SURE;
      elements.push(read);
    }
    return elements;
  };
}

/** A strict object, with its members in the order in which the schema declares them. */
function readObject(shape: Readonly<Record<string, z.core.$ZodType>>): Read {
  const names = Object.keys(shape);
  const members = names.map((name) => {
    const { def } = (shape[name] as z.core.$ZodTypes)._zod;
    return def.type === 'optional' ? compile(def.innerType) : compile(shape[name]!);
  });
  const isOptional = names.map((name) => (shape[name] as z.core.$ZodTypes)._zod.def.type === 'optional');
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return NOT_SURE;
    const object = value as Readonly<Record<string, unknown>>;
    const result: Record<string, unknown> = {};
    let known = 0;
    for (let i = 0; i < names.length; i++) {
      const member = object[names[i]!];
      if (member === undefined) {
        if (!isOptional[i]) return NOT_SURE;
        continue;
      }
      const read = members[i]!(member);
      if (read === NOT_SURE) return NOT_SURE;
      result[names[i]!] = read;
      known++;
    }
    return hasMembers(object, known) ? result : NOT_SURE;
  };
}

/** Whether this is the number of members that JSON would write: those that are undefined do not count. */
function hasMembers(object: Readonly<Record<string, unknown>>, expected: number): boolean {
  let count = 0;
  for (const _name in object) count++;
  return (
    count === expected || Object.values(object).filter((value) => value !== undefined).length === expected
  );
}
