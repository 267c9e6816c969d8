import { z } from 'zod';
import { severities, trailName } from '../event/event.ts';
import { eventLimits } from '../event/limits.ts';

import { text } from './text.ts';

/** What becomes of an alert. */
export const alertStatuses = ['open', 'acknowledged', 'assigned', 'resolved'] as const;
export type AlertStatus = (typeof alertStatuses)[number];

/** What an alert turned out to be. */
export const dispositions = ['true_positive', 'benign', 'false_positive', 'duplicate'] as const;
export type Disposition = (typeof dispositions)[number];

export const alertId = z
  .string()
  .regex(/^alr_[0-9a-f]{24}$/, 'expected the id of an alert, such as alr_ and 24 hexadecimal digits');
const time = z.iso.datetime();

/** What the findings of an alert have in common, by field: of whom or what it is. */
export const entitySchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
export type Entity = z.output<typeof entitySchema>;

/** Findings of one rule about one entity, which people work on. */
export const alertSchema = z
  .strictObject({
    id: alertId,
    revision: z.int().min(1).meta({
      description:
        'Rises with every change of any alert, and never repeats: what follows alerts goes on from it.',
    }),
    trail: trailName,
    tenant: z.string().nullable(),
    rule: z
      .strictObject({ key: z.string(), title: z.string() })
      .meta({ description: 'The rule as it was when the alert was opened.' }),
    level: z.enum(severities),
    tags: z.array(z.string()).meta({ description: 'Of the rule, such as attack.t1110.' }),
    entity: entitySchema.meta({
      description:
        'Values that its findings have in common, by field; empty when the rule groups by nothing.',
    }),
    actors: z.array(z.string()).meta({ description: 'Ids of actors of its entries, the first ten.' }),
    addresses: z.array(z.string()).meta({ description: 'Addresses of its entries, the first ten.' }),
    status: z.enum(alertStatuses),
    assignee: z.string().nullable(),
    disposition: z.enum(dispositions).nullable().meta({ description: 'Null until it is resolved.' }),
    duplicateOf: alertId.nullable(),
    findings: z.int().min(0).meta({
      description: 'Findings that it holds; none where events that came late have shown that there was none.',
    }),
    risk: z.int().min(0).meta({ description: 'Points of risk of its findings together.' }),
    entries: z.array(z.int().min(0)).meta({
      description: 'Indexes of entries that led to it, in the trail, the first and the last few.',
    }),
    firstEventAt: time.meta({ description: 'When the first of it happened.' }),
    lastEventAt: time,
    openedAt: time,
    changedAt: time,
    acknowledgedAt: time.nullable(),
    resolvedAt: time.nullable(),
    silencedBy: z.array(z.string()).meta({ description: 'Silences that keep it from being notified now.' }),
    inhibitedBy: z.array(alertId).meta({ description: 'Alerts of which it is a part of the story.' }),
  })
  .meta({ id: 'Alert', description: 'Findings of one rule about one entity, which people work on.' });
export type Alert = z.output<typeof alertSchema>;

/** A step of an alert's life; each is in the trail `system` too. */
export const alertStepSchema = z
  .strictObject({
    at: time,
    action: z.enum(['open', 'acknowledge', 'assign', 'resolve', 'reopen', 'note']),
    by: z.string().nullable().meta({ description: 'Id of the token that took it; null: the server.' }),
    note: z.string().nullable(),
    assignee: z.string().nullable(),
    disposition: z.enum(dispositions).nullable(),
  })
  .meta({ id: 'AlertStep' });
export type AlertStep = z.output<typeof alertStepSchema>;

const note = text(4096).optional();

/** What people do with an alert. */
export const alertActionSchema = z
  .discriminatedUnion('action', [
    z.strictObject({ action: z.literal('acknowledge'), note }),
    z.strictObject({ action: z.literal('assign'), assignee: text(eventLimits.shortText), note }),
    z.strictObject({
      action: z.literal('resolve'),
      disposition: z.enum(dispositions),
      duplicateOf: alertId.optional(),
      note,
    }),
    z.strictObject({ action: z.literal('reopen'), note }),
    z.strictObject({ action: z.literal('note'), note: text(4096) }),
  ])
  .meta({ id: 'AlertAction' });
export type AlertAction = z.output<typeof alertActionSchema>;

export const alertPageSchema = z
  .strictObject({
    alerts: z.array(alertSchema).meta({ description: 'Those opened last come first.' }),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: 'AlertPage' });
export type AlertPage = z.output<typeof alertPageSchema>;

/** What a finding is, as alerts hold it. */
export const findingSchema = z
  .strictObject({
    id: z.string(),
    rule: z.string(),
    kind: z.enum(['match', 'correlation']),
    startedAt: time,
    lastAt: time,
    endedAt: time.nullable().meta({ description: 'When a correlation ceased to hold; null while it does.' }),
    peak: z.number().meta({ description: 'The largest number measured in one window; 1 of a match.' }),
    value: z.union([z.string(), z.number()]).nullable().meta({
      description: 'What is new, came again or is missing, where the rule is about a value.',
    }),
    entries: z.array(z.int().min(0)),
  })
  .meta({ id: 'Finding' });
export type Finding = z.output<typeof findingSchema>;

export const alertDetailsSchema = z
  .strictObject({
    alert: alertSchema,
    steps: z.array(alertStepSchema).meta({ description: 'In their order.' }),
    findings: z.array(findingSchema).meta({ description: 'The newest, up to 100.' }),
  })
  .meta({ id: 'AlertDetails' });
export type AlertDetails = z.output<typeof alertDetailsSchema>;

const meanMs = z.number().nullable().meta({ description: 'In milliseconds; null where there was none.' });

/** How alerts opened in a time were dealt with. */
export const alertStatsSchema = z
  .strictObject({
    total: z.int(),
    byStatus: z.record(z.enum(alertStatuses), z.int()),
    byLevel: z.record(z.enum(severities), z.int()),
    byDisposition: z.record(z.enum(dispositions), z.int()),
    byRule: z
      .array(
        z.strictObject({ rule: z.string(), title: z.string(), alerts: z.int(), falsePositives: z.int() }),
      )
      .meta({ description: 'Those with the most alerts, up to 20.' }),
    meanTimeToDetectMs: meanMs.meta({ description: 'From the first event to the opening.' }),
    meanTimeToAcknowledgeMs: meanMs,
    meanTimeToResolveMs: meanMs,
  })
  .meta({ id: 'AlertStats' });
export type AlertStats = z.output<typeof alertStatsSchema>;
