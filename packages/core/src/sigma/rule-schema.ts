import { z } from 'zod';

export const levels = ['informational', 'low', 'medium', 'high', 'critical'] as const;
export const statuses = ['stable', 'test', 'experimental', 'deprecated', 'unsupported'] as const;

const text = (most: number): z.ZodString =>
  z
    .string('expected a text')
    .min(1, 'expected a text that is not empty')
    .max(most, `expected at most ${most} characters`);
const texts = z.array(text(2048), 'expected a list of texts').max(1000, 'expected at most 1000 texts');
const date = z.string('expected a date').regex(/^\d{4}-\d{2}-\d{2}$/, 'expected a date such as 2026-01-31');

export const ruleId = z.guid('expected a UUID');

/** Which events a rule, or a filter, is about. */
export const logsourceSchema = z
  .looseObject(
    {
      category: text(128).optional(),
      product: text(128).optional(),
      service: text(128).optional(),
      definition: z.unknown().optional(),
    },
    'expected a map with category, product or service',
  )
  .refine(
    ({ category, product, service }) =>
      category !== undefined || product !== undefined || service !== undefined,
    'expected category, product or service',
  );

const testEvent = z.record(z.string(), z.unknown(), 'expected an event');

/** Events of a test that follow each other, alike but for their time and, if wanted, the values of a field. */
const testEvents = z.strictObject({
  event: testEvent,
  times: z.int().min(1).max(10_000, 'expected at most 10000 times').default(1),
  every: text(16).optional(),
  after: text(16).optional(),
  vary: text(256).optional(),
});

const location = z.strictObject({
  latitude: z.number().min(-90).max(90).optional(),
  longitude: z.number().min(-180).max(180).optional(),
  accuracyKm: z.number().min(0).max(20_000).optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'expected the two letters of a country')
    .optional(),
  asn: z.int().min(1).max(4_294_967_295).optional(),
  isAnonymous: z.boolean('expected true or false').optional(),
});

const ruleTest = z.strictObject({
  name: text(256),
  match: z.boolean('expected true or false'),
  logsource: z.record(z.string(), z.string()).optional(),
  event: testEvent.optional(),
  events: z.array(testEvents, 'expected a list of events').min(1).max(100).optional(),
  /** Where addresses are in the test; of others nothing is known. */
  locations: z.record(text(64), location, 'expected a map of addresses').optional(),
});
export type RuleTest = z.output<typeof ruleTest>;

/** What Sealtrail adds to a rule. Other engines pass over it. */
const sealtrailSchema = z.strictObject(
  {
    /** Whether it is a finding by itself also where correlations are over it; absent: as `generate` says. */
    finding: z.boolean('expected true or false').optional(),
    /** Points that a finding adds to the risk of whom it is about. */
    risk: z.int().min(0).max(100).optional(),
    /** Fields whose values findings of a rule over single events have in common in an alert; absent: the actor, else the address. */
    'group-by': z.array(text(256), 'expected a list of fields').min(1).max(16).optional(),
    /**
     * Ids or names of rules: while an alert of this one is open, theirs about the same are part of it and not told. Of a file
     * that is added to a server: rules of the same file alone.
     */
    inhibits: z.array(text(256), 'expected a list of rules').max(100).optional(),
    tests: z.array(ruleTest, 'expected a list of tests').max(100).optional(),
  },
  'expected a map with finding, risk, group-by, inhibits or tests',
);

/** What rules, correlations and filters have in common. Keys that the specification does not name are kept. */
export const headerSchema = z.looseObject({
  title: text(256),
  id: ruleId.optional(),
  name: text(256).optional(),
  taxonomy: text(128).optional(),
  related: z
    .array(z.looseObject({ id: ruleId, type: text(32) }), 'expected a list of ids with a type')
    .optional(),
  status: z.enum(statuses, `expected one of ${statuses.join(', ')}`).optional(),
  level: z.enum(levels, `expected one of ${levels.join(', ')}`).optional(),
  description: text(65_535).optional(),
  license: text(1024).optional(),
  author: text(4096).optional(),
  references: texts.optional(),
  date: date.optional(),
  modified: date.optional(),
  fields: texts.optional(),
  falsepositives: texts.optional(),
  tags: z
    .array(
      z
        .string('expected a tag')
        .regex(/^[a-z0-9_-]+\.[a-z0-9._-]+$/, 'expected a tag such as attack.t1110.001 in lower case'),
      'expected a list of tags',
    )
    .optional(),
  sealtrail: sealtrailSchema.optional(),
});

export type RuleHeader = z.output<typeof headerSchema>;
export type Logsource = Readonly<Partial<Record<'category' | 'product' | 'service', string>>>;
