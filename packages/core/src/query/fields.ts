import { actorTypes, categories, type Entry, outcomes, severities } from '../event/event.ts';

/**
 * How the values of a field compare.
 *
 * - `keyword`: exact, by code unit, case included
 * - `text`: by its words, case ignored (see words.ts); `=` compares the whole value exactly
 * - `number`, `time` (milliseconds), `ip` (by address, not by spelling; see ip.ts)
 * - `metadata`: whatever JSON scalar is at the path: strings as keywords, numbers as numbers, booleans as true/false
 */
export type FieldKind = 'keyword' | 'text' | 'number' | 'time' | 'ip' | 'metadata';

/** A field of an entry that can be searched. */
export interface Field {
  /** Full name in queries, such as `actor.id`. */
  readonly name: string;
  /** Shorter names for the same field. */
  readonly aliases: readonly string[];
  readonly kind: FieldKind;
  /** Keys from the entry to the value. For `metadata.*` only `['metadata']`: the rest of the name is the path. */
  readonly path: readonly string[];
  /** The first step of the path is an array; any element may match. */
  readonly many: boolean;
  /** The only values there are, weakest first if `ordered`. */
  readonly values?: readonly string[];
  /** `values` are in ascending order, so `<`, `>` and `..` work. */
  readonly ordered?: true;
  /**
   * How a search without a field name finds it: by `words`, by its `whole` value (ids and addresses, of which nobody
   * remembers a part), or not at all.
   */
  readonly search: 'words' | 'whole' | 'no';
  /** Hardly two entries share a value: indexed by hash only, and there is no sense in counting by it. */
  readonly unique?: true;
  readonly description: string;
}

type Row = Omit<Field, 'aliases' | 'many'> & { aliases?: readonly string[]; many?: true };

const rows: readonly Row[] = [
  {
    name: 'action',
    kind: 'keyword',
    path: ['action'],
    search: 'words',
    description: 'What was done, such as user.login',
  },
  {
    name: 'actor.email',
    aliases: ['email'],
    kind: 'keyword',
    path: ['actor', 'email'],
    search: 'words',
    description: 'E-mail address of the actor',
  },
  {
    name: 'actor.id',
    aliases: ['actor'],
    kind: 'keyword',
    path: ['actor', 'id'],
    search: 'words',
    description: 'Who did it',
  },
  {
    name: 'actor.name',
    kind: 'text',
    path: ['actor', 'name'],
    search: 'words',
    description: 'Name of the actor at the time',
  },
  {
    name: 'actor.onBehalfOf',
    aliases: ['onBehalfOf'],
    kind: 'keyword',
    path: ['actor', 'onBehalfOf'],
    search: 'words',
    description: 'For whom the actor acted',
  },
  {
    name: 'actor.sessionId',
    aliases: ['sessionId'],
    kind: 'keyword',
    path: ['actor', 'sessionId'],
    search: 'whole',
    description: 'Session of the actor',
  },
  {
    name: 'actor.type',
    kind: 'keyword',
    path: ['actor', 'type'],
    values: actorTypes,
    search: 'words',
    description: 'What kind of actor',
  },
  {
    name: 'category',
    kind: 'keyword',
    path: ['category'],
    values: categories,
    search: 'words',
    description: 'What kind of action',
  },
  {
    name: 'changes.field',
    kind: 'keyword',
    path: ['changes', 'field'],
    many: true,
    search: 'words',
    description: 'A field that changed',
  },
  {
    name: 'context.environment',
    aliases: ['environment'],
    kind: 'keyword',
    path: ['context', 'environment'],
    search: 'words',
    description: 'Environment, such as production',
  },
  {
    name: 'context.http.durationMs',
    aliases: ['durationMs', 'http.durationMs'],
    kind: 'number',
    path: ['context', 'http', 'durationMs'],
    search: 'no',
    description: 'Duration of the HTTP request in milliseconds',
  },
  {
    name: 'context.http.method',
    aliases: ['method', 'http.method'],
    kind: 'keyword',
    path: ['context', 'http', 'method'],
    search: 'words',
    description: 'HTTP method',
  },
  {
    name: 'context.http.path',
    aliases: ['path', 'http.path'],
    kind: 'keyword',
    path: ['context', 'http', 'path'],
    search: 'words',
    description: 'HTTP path',
  },
  {
    name: 'context.http.route',
    aliases: ['route', 'http.route'],
    kind: 'keyword',
    path: ['context', 'http', 'route'],
    search: 'words',
    description: 'HTTP route pattern',
  },
  {
    name: 'context.http.status',
    aliases: ['status', 'http.status'],
    kind: 'number',
    path: ['context', 'http', 'status'],
    search: 'no',
    description: 'HTTP status',
  },
  {
    name: 'context.requestId',
    aliases: ['requestId'],
    kind: 'keyword',
    path: ['context', 'requestId'],
    search: 'whole',
    unique: true,
    description: 'Request it happened in',
  },
  {
    name: 'context.service',
    aliases: ['service'],
    kind: 'keyword',
    path: ['context', 'service'],
    search: 'words',
    description: 'Service that reported it',
  },
  {
    name: 'context.spanId',
    aliases: ['spanId'],
    kind: 'keyword',
    path: ['context', 'spanId'],
    search: 'whole',
    unique: true,
    description: 'Span of the trace',
  },
  {
    name: 'context.traceId',
    aliases: ['traceId'],
    kind: 'keyword',
    path: ['context', 'traceId'],
    search: 'whole',
    unique: true,
    description: 'Trace it belongs to',
  },
  {
    name: 'id',
    kind: 'keyword',
    path: ['id'],
    search: 'whole',
    unique: true,
    description: 'Id of the event, a UUID in lower case',
  },
  {
    name: 'outcome',
    kind: 'keyword',
    path: ['outcome'],
    values: outcomes,
    search: 'words',
    description: 'How it ended',
  },
  {
    name: 'producer.id',
    aliases: ['producer'],
    kind: 'keyword',
    path: ['producer', 'id'],
    search: 'words',
    description: 'Who reported it',
  },
  {
    name: 'producer.seq',
    kind: 'number',
    path: ['producer', 'seq'],
    search: 'no',
    description: 'Sequence number of the producer',
  },
  {
    name: 'reason',
    kind: 'text',
    path: ['reason'],
    search: 'words',
    description: 'Why it ended that way',
  },
  {
    name: 'receivedAt',
    kind: 'time',
    path: ['receivedAt'],
    search: 'no',
    description: 'When the server received it',
  },
  {
    name: 'schemaVersion',
    kind: 'number',
    path: ['schemaVersion'],
    search: 'no',
    description: 'Version of the event schema',
  },
  {
    name: 'severity',
    kind: 'keyword',
    path: ['severity'],
    values: severities,
    ordered: true,
    search: 'words',
    description: 'How grave it is; severity>=high works',
  },
  {
    name: 'source.ip',
    aliases: ['ip'],
    kind: 'ip',
    path: ['source', 'ip'],
    search: 'whole',
    description: 'Address it came from: an address, a network (10.0.0.0/8) or a range',
  },
  {
    name: 'source.port',
    aliases: ['port'],
    kind: 'number',
    path: ['source', 'port'],
    search: 'no',
    description: 'Port it came from',
  },
  {
    name: 'source.userAgent',
    aliases: ['ua', 'userAgent'],
    kind: 'text',
    path: ['source', 'userAgent'],
    search: 'words',
    description: 'User agent',
  },
  {
    name: 'target.id',
    aliases: ['target', 'targets.id'],
    kind: 'keyword',
    path: ['targets', 'id'],
    many: true,
    search: 'words',
    description: 'What it was done to',
  },
  {
    name: 'target.name',
    aliases: ['targets.name'],
    kind: 'text',
    path: ['targets', 'name'],
    many: true,
    search: 'words',
    description: 'Name of a target at the time',
  },
  {
    name: 'target.type',
    aliases: ['targets.type'],
    kind: 'keyword',
    path: ['targets', 'type'],
    many: true,
    search: 'words',
    description: 'What kind of target',
  },
  {
    name: 'tenant',
    kind: 'keyword',
    path: ['tenant'],
    search: 'words',
    description: 'Customer it belongs to',
  },
  { name: 'time', kind: 'time', path: ['time'], search: 'no', description: 'When it happened' },
  { name: 'trail', kind: 'keyword', path: ['trail'], search: 'no', description: 'Trail it is in' },
];

/** Every documented field of an entry: the one source for parsing, matching, indexing and documentation of queries. */
export const fields: readonly Field[] = rows.map((row) => ({ aliases: [], many: false, ...row }));

const byName = new Map<string, Field>();
for (const field of fields) for (const name of [field.name, ...field.aliases]) byName.set(name, field);

/** Every name a field can be called by, for completion and for "did you mean". */
export const fieldNames: readonly string[] = [...byName.keys()];

const METADATA = 'metadata.';

/**
 * The field of a name or alias, undefined when there is none. `metadata.<path>` is a field for every path; a path
 * joins object keys with dots and passes through arrays, so `metadata.items.sku` finds the `sku` of any item.
 */
export function resolveField(name: string): Field | undefined {
  const known = byName.get(name);
  if (known !== undefined) return known;
  if (!name.startsWith(METADATA) || name.length === METADATA.length) return undefined;
  return {
    name,
    aliases: [],
    kind: 'metadata',
    path: ['metadata'],
    many: false,
    search: 'words',
    description: 'Metadata',
  };
}

/** A JSON value that is not a container and not null. */
export type Scalar = string | number | boolean;

/** True when `test` holds for any value the entry has in the field. */
export function someValue(field: Field, entry: Entry, test: (value: Scalar) => boolean): boolean {
  if (field.kind === 'metadata') return someAtPath(entry.metadata, field.name.slice(METADATA.length), test);
  if (!field.many) return testScalar(valueAt(entry, field.path, 0), test);
  const elements = (entry as Record<string, unknown>)[field.path[0]!];
  if (!Array.isArray(elements)) return false;
  return elements.some((element) => testScalar(valueAt(element, field.path, 1), test));
}

/** Every value the entry has in the field, in order, repeats included. */
export function fieldValues(field: Field, entry: Entry): Scalar[] {
  const values: Scalar[] = [];
  someValue(field, entry, (value) => {
    values.push(value);
    return false;
  });
  return values;
}

/** Calls `visit` with every scalar under `value` and its path: keys joined with dots, arrays passed through. */
export function visitScalars(
  value: unknown,
  path: string,
  visit: (path: string, value: Scalar) => void,
): void {
  if (typeof value !== 'object') {
    if (isScalar(value)) visit(path, value);
  } else if (Array.isArray(value)) {
    for (const element of value) visitScalars(element, path, visit);
  } else if (value !== null) {
    for (const key of Object.keys(value))
      visitScalars((value as Record<string, unknown>)[key], path === '' ? key : `${path}.${key}`, visit);
  }
}

function valueAt(start: unknown, path: readonly string[], from: number): unknown {
  let value = start;
  for (let i = from; i < path.length; i++) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[path[i]!];
  }
  return value;
}

// A key may itself hold dots, so {"a.b": 1} and {"a": {"b": 1}} are both found at `a.b`: every split is tried.
function someAtPath(value: unknown, path: string, test: (value: Scalar) => boolean): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((element) => someAtPath(element, path, test));
  for (const key of Object.keys(value)) {
    const next = (value as Record<string, unknown>)[key];
    if (key === path) {
      if (someScalar(next, test)) return true;
    } else if (path.length > key.length && path[key.length] === '.' && path.startsWith(key)) {
      if (someAtPath(next, path.slice(key.length + 1), test)) return true;
    }
  }
  return false;
}

// The value at a path may be an array, of arrays: any element counts.
function someScalar(value: unknown, test: (value: Scalar) => boolean): boolean {
  return Array.isArray(value) ? value.some((element) => someScalar(element, test)) : testScalar(value, test);
}

function testScalar(value: unknown, test: (value: Scalar) => boolean): boolean {
  return isScalar(value) && test(value);
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
