import { z } from 'zod';
import { categories, outcomes, severities } from '../event/event.ts';
import { logsourceSchema } from '../sigma/rule-schema.ts';

/** Bounds of a mapping: a file of ours, and yet nothing in it can make mapping expensive. */
const most = { text: 1024, alternatives: 200, members: 1000, kinds: 16, patterns: 64, depth: 8 } as const;

const name = z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, 'expected a name in lower case');
const text = z.string().max(most.text, `expected at most ${most.text} characters`);
/** The name of a field in a record: dots part the steps of a path. */
const field = z.string().min(1).max(256);

/**
 * What a field has to be: a value, or one of some, with `*` for anything; true and false ask whether it is there.
 * Texts are compared without regard to case, as Sigma does.
 */
const condition = z.union(
  [text, z.boolean(), z.array(text).min(1).max(most.members)],
  'expected a text, a list of texts, true or false',
);
export type Condition = z.output<typeof condition>;

/** All of these hold. */
const conditions = z.record(field, condition);
export type Conditions = z.output<typeof conditions>;

/**
 * How a value comes out of a record. A text is a template: `{path}` stands for a field, `{path|filter}` for what a
 * filter makes of it; without one of them there is no value. A list is the first that gives a value. `when` asks first;
 * `table` looks a text up.
 */
export type Expression =
  | string
  | readonly Expression[]
  | { readonly when: Conditions; readonly give: Expression }
  | { readonly table: string; readonly of: Expression };

const expressionAt = (depth: number): z.ZodType<Expression> =>
  depth === 0
    ? text
    : z.lazy(() => {
        const inner = expressionAt(depth - 1);
        return z.union(
          [
            text,
            z.array(inner).min(1).max(most.alternatives),
            z.strictObject({ when: conditions, give: inner }),
            z.strictObject({ table: name, of: inner }),
          ],
          'expected a template, a list of alternatives, {when, give} or {table, of}',
        );
      });
const expression = expressionAt(most.depth);

const target = z.strictObject({
  /** A list in the record: one target for each of its elements, whose fields the templates then name. */
  each: field.optional(),
  when: conditions.optional(),
  type: expression,
  id: expression.optional(),
  name: expression.optional(),
});
export type TargetMapping = z.output<typeof target>;

const event = z.strictObject({
  action: expression,
  category: expression.optional(),
  outcome: expression.optional(),
  reason: expression.optional(),
  severity: expression.optional(),
  actor: z
    .strictObject({
      type: expression,
      id: expression.optional(),
      name: expression.optional(),
      email: expression.optional(),
      sessionId: expression.optional(),
      onBehalfOf: expression.optional(),
    })
    .optional(),
  targets: z.array(target).max(32).optional(),
  source: z
    .strictObject({
      ip: expression.optional(),
      port: expression.optional(),
      userAgent: expression.optional(),
    })
    .optional(),
  context: z
    .strictObject({
      service: expression.optional(),
      environment: expression.optional(),
      requestId: expression.optional(),
      traceId: expression.optional(),
      http: z
        .strictObject({
          method: expression.optional(),
          path: expression.optional(),
          status: expression.optional(),
        })
        .optional(),
    })
    .optional(),
  /** What has no field of its own. */
  metadata: z.record(name, expression).optional(),
});
export type EventMapping = z.output<typeof event>;

/** A regular expression over the message of a line: its named groups become fields, and so does what `set` says. */
const pattern = z.strictObject({
  match: z.string().min(1).max(2048),
  set: z.record(field, text).optional(),
});
export type PatternMapping = z.output<typeof pattern>;

/** Records of one sort, and what they become. */
const kind = z.strictObject({
  name,
  when: conditions,
  /** Of JSON: fields that are one text each, where they are there. What has others in their place is of another product. */
  texts: z.array(field).min(1).max(32).optional(),
  logsource: logsourceSchema,
  /** Of lines: the first that fits the field `message` adds its fields to the record. */
  patterns: z.array(pattern).max(most.patterns).optional(),
  /** The source's own name of a record; what none has is known by its content. */
  id: expression.optional(),
  /** Of JSON: when it happened; a record without it is refused. */
  time: expression.optional(),
  event,
  /** Of lines: what rules see; `all` gives a field several values. Of JSON they see the record itself. */
  view: z
    .record(field, z.union([z.strictObject({ all: z.array(expression).min(1).max(8) }), expression]))
    .optional(),
  /** Of JSON: what rules see where the record did not fit into its entry. */
  keep: z.array(field).max(64).optional(),
});
export type KindMapping = z.output<typeof kind>;

/** How the records of a source become events. */
export const mappingSchema = z.strictObject({
  name,
  /** Other names that people call it by. */
  aliases: z.array(name).max(16).optional(),
  title: z.string().min(1).max(128),
  /** JSON records, or lines that a parser takes apart. */
  input: z.enum(['json', 'syslog', 'access-log']),
  /** Of JSON: where records lie in what they are delivered in. */
  envelopes: z.array(field).max(8).optional(),
  /** Of JSON: names of fields that data warehouses write in small letters; there they get their own spelling back. */
  spellings: z.array(field).max(64).optional(),
  /** What becomes of a record that is of no kind: passed over, or refused. */
  otherwise: z.enum(['skip', 'refuse']),
  tables: z.record(name, z.record(text, text)).optional(),
  kinds: z.array(kind).min(1).max(most.kinds),
});
export type SourceMapping = z.output<typeof mappingSchema>;

/** Values of which an event takes some words only. */
export const words = { category: categories, outcome: outcomes, severity: severities } as const;
