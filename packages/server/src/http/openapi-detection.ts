import { type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  alertActionSchema,
  alertDetailsSchema,
  alertPageSchema,
  alertSchema,
  alertStatsSchema,
  backfillRequestSchema,
  backfillSchema,
  backtestRequestSchema,
  backtestSchema,
  detectionStatusSchema,
  disableRuleSchema,
  type ErrorCode,
  newSilenceSchema,
  ruleDetailsSchema,
  ruleReportSchema,
  ruleSchema,
  ruleTextSchema,
  severities,
  silenceSchema,
} from '@sealtrail/core';
import type { HttpEnv } from './context.ts';
import { bodyCodes, documentRoute, jsonOf, recordedCodes, textOf } from './openapi-route.ts';

const silenceList = z.strictObject({ silences: z.array(silenceSchema) }).openapi('SilenceList');
const ruleList = z.strictObject({ rules: z.array(ruleSchema) }).openapi('RuleList');
const removedRules = z
  .strictObject({ removed: z.array(z.string()).openapi({ description: 'Keys of the rules that are gone.' }) })
  .openapi('RemovedRules');

/** What asks the detect thread can find it away, or busy. */
const askedCodes: readonly ErrorCode[] = ['detection_unavailable', 'overloaded', 'shutting_down'];
const changedCodes: readonly ErrorCode[] = [...new Set([...askedCodes, ...recordedCodes])];
const one = { params: z.object({ id: z.string() }) };
const minLevel = z.enum(severities).optional().openapi({ description: 'This level and above.' });
const queried = z.object({
  status: z
    .string()
    .optional()
    .openapi({ description: 'open, acknowledged, assigned, resolved: one, or several parted by commas.' }),
  minLevel,
  rule: z.string().optional().openapi({ description: 'Key of a rule.' }),
  assignee: z.string().optional(),
  trail: z.string().optional().openapi({ description: 'Absent: all that the token reaches.' }),
  since: z.string().optional().openapi({
    description: 'Opened then or later: RFC 3339, or a duration back from now such as 24h.',
  }),
});

/** Documents alerts, silences and rules: what security engineers work with. */
export function documentDetectionRoutes(app: OpenAPIHono<HttpEnv>): void {
  documentAlerts(app);
  documentSilences(app);
  documentRules(app);
  documentRule(app);
}

function documentAlerts(app: OpenAPIHono<HttpEnv>): void {
  documentRoute(app, {
    method: 'get',
    path: '/v1/alerts',
    operationId: 'listAlerts',
    summary: 'Alerts, those opened last first',
    request: {
      query: queried.extend({ limit: z.int().min(1).max(1000).optional(), cursor: z.string().optional() }),
    },
    answers: { 200: jsonOf(alertPageSchema, 'A page of alerts.') },
    codes: ['invalid_parameter', 'invalid_cursor', 'trail_not_found', ...changedCodes],
  });
  documentRoute(app, {
    method: 'get',
    path: '/v1/alerts/stats',
    operationId: 'countAlerts',
    summary: 'How alerts were dealt with: counts and mean times',
    request: { query: queried },
    answers: { 200: jsonOf(alertStatsSchema, 'Over all alerts that were asked for.') },
    codes: ['invalid_parameter', 'trail_not_found', ...askedCodes],
  });
  documentRoute(app, {
    method: 'get',
    path: '/v1/alerts/stream',
    operationId: 'followAlerts',
    summary: 'Follow alerts as they are opened and change (server-sent events)',
    request: {
      headers: z.object({
        'last-event-id': z.string().optional().openapi({
          description: 'Revision of the last alert that was seen, 0 for none; goes before from.',
        }),
      }),
      query: z.object({
        from: z.int().optional().openapi({ description: 'Revision to go on after; absent: from now on.' }),
        minLevel,
      }),
    },
    answers: {
      200: textOf(
        'text/event-stream',
        'Events named alert; their id is the revision. An id without an event says from where to come back.',
      ),
    },
    codes: ['invalid_parameter', 'too_many_streams', ...changedCodes],
  });
  documentRoute(app, {
    method: 'get',
    path: '/v1/alerts/{id}',
    operationId: 'getAlert',
    summary: 'One alert, with the steps of its life and its findings',
    request: one,
    answers: { 200: jsonOf(alertDetailsSchema, 'The alert.') },
    codes: ['alert_not_found', 'invalid_parameter', ...changedCodes],
  });
  documentRoute(app, {
    method: 'post',
    path: '/v1/alerts/{id}',
    operationId: 'actOnAlert',
    summary: 'Acknowledge, assign, resolve or reopen an alert, or note something',
    description: 'Each step is an entry in the trail system before it is answered.',
    request: { ...one, body: { required: true, ...jsonOf(alertActionSchema, 'What is done.') } },
    answers: { 200: jsonOf(alertSchema, 'The alert as it is now.') },
    codes: [...bodyCodes, 'alert_not_found', 'alert_not_open', ...changedCodes],
  });
}

function documentSilences(app: OpenAPIHono<HttpEnv>): void {
  documentRoute(app, {
    method: 'get',
    path: '/v1/silences',
    operationId: 'listSilences',
    summary: 'Silences, also those that have ended',
    answers: { 200: jsonOf(silenceList, 'Those that end last come first.') },
    codes: ['invalid_parameter', ...askedCodes],
  });
  documentRoute(app, {
    method: 'post',
    path: '/v1/silences',
    operationId: 'createSilence',
    summary: 'Keep channels from being told of some alerts, for a time',
    description:
      'Alerts are opened and counted as ever, and say by what they are silenced. A silence is an entry in the trail system before it is answered.',
    request: { body: { required: true, ...jsonOf(newSilenceSchema, 'Of what, by whom, why, until when.') } },
    answers: { 201: jsonOf(silenceSchema, 'The silence.') },
    codes: [...bodyCodes, ...changedCodes],
  });
  documentRoute(app, {
    method: 'delete',
    path: '/v1/silences/{id}',
    operationId: 'endSilence',
    summary: 'End a silence before its time',
    description: 'It stays in the list. Once more for one that has ended changes nothing.',
    request: one,
    answers: { 200: jsonOf(silenceSchema, 'The silence, ended.') },
    codes: ['silence_not_found', ...changedCodes],
  });
}

function documentRules(app: OpenAPIHono<HttpEnv>): void {
  const text = { body: { required: true, ...jsonOf(ruleTextSchema, 'A rule file.') } };
  documentRoute(app, {
    method: 'get',
    path: '/v1/detection',
    operationId: 'getDetection',
    summary: 'How far detection is in each trail',
    answers: { 200: jsonOf(detectionStatusSchema, 'By trail, and what of the rules cannot be used.') },
    codes: ['invalid_parameter', ...askedCodes],
  });
  documentRoute(app, {
    method: 'post',
    path: '/v1/detection/backfill',
    operationId: 'backfillDetection',
    summary: 'Have correlations look again at events that came too late for them',
    description:
      'Entries received in the time are taken in the order in which they happened, after those before them as far as they are remembered. What follows the log is done with becomes what is found so: what overlaps a finding that is there is the same one, and findings that are not among them, of absence for one, are withdrawn. Up to 500,000 entries.',
    request: { body: { required: true, ...jsonOf(backfillRequestSchema, 'The part of history.') } },
    answers: { 200: jsonOf(backfillSchema, 'What it came to.') },
    codes: [...bodyCodes, 'invalid_parameter', 'trail_not_found', ...changedCodes],
  });
  documentRoute(app, {
    method: 'get',
    path: '/v1/rules',
    operationId: 'listRules',
    summary: 'Rules, built in or added',
    answers: { 200: jsonOf(ruleList, 'Rules over single events before correlations.') },
    codes: ['invalid_parameter', ...askedCodes],
  });
  documentRoute(app, {
    method: 'post',
    path: '/v1/rules',
    operationId: 'createRules',
    summary: 'Add a rule file',
    description: 'Its rules do not run before they are enabled.',
    request: text,
    answers: { 201: jsonOf(ruleList, 'The rules in it.') },
    codes: [...bodyCodes, 'invalid_rule', ...changedCodes],
  });
  documentRoute(app, {
    method: 'post',
    path: '/v1/rules/validate',
    operationId: 'validateRules',
    summary: 'What would be said of a rule file: faults with their lines, hints, failing tests',
    request: text,
    answers: { 200: jsonOf(ruleReportSchema, 'Beside all other rules, which it can refer to.') },
    codes: [...bodyCodes, ...askedCodes],
  });
}

function documentRule(app: OpenAPIHono<HttpEnv>): void {
  const keyed = { params: z.object({ key: z.string() }) };
  const keyedCodes: readonly ErrorCode[] = ['rule_not_found', ...changedCodes];
  documentRoute(app, {
    method: 'get',
    path: '/v1/rules/{key}',
    operationId: 'getRule',
    summary: 'One rule, with the text of the file that it is in',
    request: keyed,
    answers: { 200: jsonOf(ruleDetailsSchema, 'The rule.') },
    codes: ['rule_not_found', 'invalid_parameter', ...askedCodes],
  });
  documentRoute(app, {
    method: 'put',
    path: '/v1/rules/{key}',
    operationId: 'replaceRules',
    summary: 'Put another text in the place of the file that the rule is in',
    description:
      'The rule stays in it. What is enabled has to pass its tests. Correlations that the change is not about go on from where they are.',
    request: { ...keyed, body: { required: true, ...jsonOf(ruleTextSchema, 'The rule file.') } },
    answers: { 200: jsonOf(ruleList, 'The rules in it.') },
    codes: [...bodyCodes, 'rule_built_in', 'invalid_rule', 'rule_untested', ...keyedCodes],
  });
  documentRoute(app, {
    method: 'delete',
    path: '/v1/rules/{key}',
    operationId: 'removeRules',
    summary: 'Remove the file that the rule is in',
    request: keyed,
    answers: { 200: jsonOf(removedRules, 'All rules that were in it.') },
    codes: ['rule_built_in', 'invalid_rule', ...keyedCodes],
  });
  documentRoute(app, {
    method: 'post',
    path: '/v1/rules/{key}/enable',
    operationId: 'enableRule',
    summary: 'Have a rule run',
    description:
      'A rule that does not pass tests of its own, one that it matches and one that it does not, is refused.',
    request: keyed,
    answers: { 200: jsonOf(ruleSchema, 'The rule.') },
    codes: ['rule_untested', ...keyedCodes],
  });
  documentRoute(app, {
    method: 'post',
    path: '/v1/rules/{key}/disable',
    operationId: 'disableRule',
    summary: 'Stop a rule',
    description: 'What correlations need of it goes on.',
    request: { ...keyed, body: { required: true, ...jsonOf(disableRuleSchema, 'Why.') } },
    answers: { 200: jsonOf(ruleSchema, 'The rule.') },
    codes: [...bodyCodes, ...keyedCodes],
  });
  documentRoute(app, {
    method: 'post',
    path: '/v1/rules/{key}/backtest',
    operationId: 'backtestRule',
    summary:
      'What a rule would have found in a part of history: alerts a day, and the groups with most findings',
    description: 'One at a time. It ends after 5 million entries or a minute, and says so.',
    request: { ...keyed, body: { required: true, ...jsonOf(backtestRequestSchema, 'The part of history.') } },
    answers: { 200: jsonOf(backtestSchema, 'What it would have found.') },
    codes: [...bodyCodes, 'trail_not_found', ...keyedCodes],
  });
}
