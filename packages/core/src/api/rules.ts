import { z } from 'zod';
import { severities } from '../event/event.ts';
import { entitySchema } from './alerts.ts';
import { text } from './text.ts';

/** Text of a rule file. */
export const maxRuleTextLength = 256 * 1024;

export const ruleTextSchema = z
  .strictObject({
    yaml: text(maxRuleTextLength).meta({
      description: 'A rule file: Sigma, with one or several documents.',
    }),
  })
  .meta({ id: 'RuleText' });

export const ruleSchema = z
  .strictObject({
    key: z.string().meta({ description: 'Its id, else its name, else its title.' }),
    name: z.string().nullable(),
    title: z.string(),
    description: z.string().nullable(),
    kind: z.string().meta({ description: '`detection`, or the type of a correlation.' }),
    level: z.enum(severities),
    status: z.string().nullable(),
    tags: z.array(z.string()),
    logsource: z.record(z.string(), z.string()).nullable(),
    origin: z.enum(['built-in', 'custom']),
    file: z.string(),
    risk: z.int(),
    isEnabled: z.boolean(),
    isFinding: z.boolean().meta({ description: 'False of what only feeds a correlation.' }),
    isTested: z.boolean().meta({
      description:
        'Whether it has a test that it matches and one that it does not, and all of its tests pass.',
    }),
    isAboutSystem: z.boolean().meta({
      description:
        'Whether it, or a rule that it is made of, is about the trail system: by a test that it matches there. Only who may read that trail disables or changes it.',
    }),
    notice: z
      .string()
      .nullable()
      .meta({ description: 'What it lacks to find anything, such as a database of locations.' }),
  })
  .meta({ id: 'Rule' });
export type Rule = z.output<typeof ruleSchema>;

/** What is wrong with a rule file, and what is probably not meant. */
export const ruleReportSchema = z
  .strictObject({
    rules: z.array(z.string()).meta({ description: 'Keys of the rules that can be used.' }),
    faults: z.array(z.strictObject({ line: z.int(), column: z.int(), message: z.string() })),
    hints: z.array(z.strictObject({ rule: z.string(), message: z.string() })),
    failedTests: z.array(z.strictObject({ rule: z.string(), test: z.string(), expected: z.boolean() })),
    untested: z.array(z.string()).meta({
      description: 'Keys of rules without a test that they match, or without one that they do not.',
    }),
  })
  .meta({ id: 'RuleReport' });
export type RuleReport = z.output<typeof ruleReportSchema>;

export const ruleDetailsSchema = z
  .strictObject({ rule: ruleSchema, yaml: z.string().meta({ description: 'The file that it is in.' }) })
  .meta({ id: 'RuleDetails' });
export type RuleDetails = z.output<typeof ruleDetailsSchema>;

export const disableRuleSchema = z.strictObject({ reason: text(1024) }).meta({ id: 'DisableRule' });

const time = z.iso.datetime({
  offset: true,
  error: 'expected an RFC 3339 time, such as 2027-01-31T09:30:00Z',
});

/** Which part of history a rule is tried on, by the time of receipt. */
export const backtestRequestSchema = z
  .strictObject({
    trail: text(64).default('main'),
    since: time.optional().meta({ description: 'Absent: seven days before `until`.' }),
    until: time.optional().meta({ description: 'Absent: now.' }),
  })
  .meta({ id: 'BacktestRequest' });
export type BacktestRequest = z.output<typeof backtestRequestSchema>;

/** Which part of history is looked at again for what came too late, by the time of receipt. */
export const backfillRequestSchema = z
  .strictObject({ trail: text(64).default('main'), since: time, until: time })
  .meta({ id: 'BackfillRequest' });
export type BackfillRequest = z.output<typeof backfillRequestSchema>;

/** What looking again came to. */
export const backfillSchema = z
  .strictObject({
    entries: z.int().meta({ description: 'Entries looked at.' }),
    added: z.int().meta({ description: 'Findings that were not there.' }),
    amended: z.int().meta({ description: 'Findings that turned out to be other than they were told.' }),
    withdrawn: z.int().meta({
      description:
        'Findings that turned out to be a part of another one, or none: of absence, where events were only late.',
    }),
    leftOut: z.array(z.string()).meta({
      description:
        'Keys of correlations of which some of the time was not looked at: they depend on more entries before it than are read.',
    }),
  })
  .meta({ id: 'Backfill' });
export type Backfill = z.output<typeof backfillSchema>;

/** What rules would have found. */
export const backtestSchema = z
  .strictObject({
    trail: z.string(),
    since: z.iso.datetime(),
    until: z.iso.datetime(),
    entries: z.int().meta({ description: 'Entries looked at.' }),
    isWhole: z.boolean().meta({
      description: 'False when it ended before the end of the range: at a bound of entries or of time.',
    }),
    findings: z.int(),
    alerts: z.int().meta({ description: 'Alerts that the findings would have been grouped into.' }),
    alertsPerDay: z.array(z.strictObject({ day: z.iso.date(), alerts: z.int() })),
    groups: z
      .array(z.strictObject({ rule: z.string(), entity: entitySchema, findings: z.int() }))
      .meta({ description: 'Those with the most findings, up to 20.' }),
    late: z.int().meta({ description: 'Events that came too late for correlations.' }),
  })
  .meta({ id: 'Backtest' });
export type Backtest = z.output<typeof backtestSchema>;

/** How far detection is. */
export const detectionStatusSchema = z
  .strictObject({
    trails: z.array(
      z.strictObject({
        trail: z.string(),
        size: z.int(),
        entries: z.int().meta({ description: 'Entries looked at by rules.' }),
        completeUntil: z.iso.datetime().nullable().meta({
          description:
            'Everything that happened until then and has been received is accounted for: nothing at or before it can change a correlation any more.',
        }),
        late: z.int().meta({
          description:
            'Events since the start that came too late for correlations; a backfill looks at them again.',
        }),
      }),
    ),
    rules: z.strictObject({ enabled: z.int(), disabled: z.int() }),
    faults: z.array(
      z.strictObject({ file: z.string(), line: z.int(), column: z.int(), message: z.string() }),
    ),
    latenessMs: z.int(),
  })
  .meta({ id: 'DetectionStatus' });
export type DetectionStatus = z.output<typeof detectionStatusSchema>;
