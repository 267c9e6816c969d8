import {
  type Backfill,
  type Backtest,
  backfillRequestSchema,
  backtestRequestSchema,
  bodyFault,
  disableRuleSchema,
  maxRuleTextLength,
  ruleTextSchema,
  type Token,
} from '@sealtrail/core';
import { may } from '../access/permissions.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';
import { readJsonBody } from './json-body.ts';
import { parametersOf } from './parameters.ts';
import { recordReadOf } from './search-routes.ts';
import { byOf } from './source.ts';

/** A text of the greatest length in UTF-8, escaped. */
const maxTextBytes = 6 * maxRuleTextLength + 1024;
const defaultBacktestMs = 7 * 86_400_000;

type Handler = (c: HttpContext) => Promise<Response>;

/** `GET /v1/rules`: rules, built in or added. */
export function getRules(parts: HttpParts, gate: Gate): Handler {
  return async (c) => {
    gate.refuseScope(c, gate.authorize(c, 'rules.read'));
    parametersOf(c, []);
    return c.json({ rules: await parts.detection.call('listRules') });
  };
}

/** `GET /v1/rules/{key}`: a rule with the text of its file. */
export function getRule(parts: HttpParts, gate: Gate): Handler {
  return async (c) => {
    gate.refuseScope(c, gate.authorize(c, 'rules.read'));
    parametersOf(c, []);
    return c.json(await parts.detection.call('getRule', keyIn(c)));
  };
}

/** `POST /v1/rules/validate`: what would be said of a rule file. */
export function validateRules(parts: HttpParts, gate: Gate): Handler {
  return async (c) => {
    managerOf(gate, c);
    const { yaml } = await readJsonBody(c, ruleTextSchema, maxTextBytes);
    return c.json(await parts.ruleChanges.validate(yaml));
  };
}

/** `POST /v1/rules`: adds a rule file. */
export function postRules(parts: HttpParts, gate: Gate): Handler {
  return async (c) => {
    const token = managerOf(gate, c);
    const { yaml } = await readJsonBody(c, ruleTextSchema, maxTextBytes);
    return c.json({ rules: await parts.ruleChanges.create(yaml, byOf(parts, c, token)) }, 201);
  };
}

/** `PUT /v1/rules/{key}`: another text in the place of the file that the rule is in. */
export function putRules(parts: HttpParts, gate: Gate): Handler {
  return async (c) => {
    const token = managerOf(gate, c);
    const { yaml } = await readJsonBody(c, ruleTextSchema, maxTextBytes);
    await refuseSystemRules(parts, gate, c, token);
    return c.json({ rules: await parts.ruleChanges.replace(keyIn(c), yaml, byOf(parts, c, token)) });
  };
}

/** `DELETE /v1/rules/{key}`: removes the file that the rule is in. */
export function deleteRules(parts: HttpParts, gate: Gate): Handler {
  return async (c) => {
    const token = managerOf(gate, c);
    await refuseSystemRules(parts, gate, c, token);
    return c.json({ removed: await parts.detection.call('removeRules', keyIn(c), byOf(parts, c, token)) });
  };
}

/** `POST /v1/rules/{key}/enable`: has a rule that passes its tests run. */
export function enableRule(parts: HttpParts, gate: Gate): Handler {
  return async (c) => {
    const token = managerOf(gate, c);
    return c.json(await parts.ruleChanges.enable(keyIn(c), byOf(parts, c, token)));
  };
}

/** `POST /v1/rules/{key}/disable`: stops a rule, for a reason. */
export function disableRule(parts: HttpParts, gate: Gate): Handler {
  return async (c) => {
    const token = managerOf(gate, c);
    const { reason } = await readJsonBody(c, disableRuleSchema);
    await refuseSystemRules(parts, gate, c, token);
    return c.json(await parts.detection.call('disableRule', keyIn(c), reason, byOf(parts, c, token)));
  };
}

/** `POST /v1/rules/{key}/backtest`: what a rule would have found in a part of history. */
export function backtestRule(parts: HttpParts, gate: Gate): Handler {
  return async (c) => {
    const token = managerOf(gate, c);
    const { trail, since, until } = await readJsonBody(c, backtestRequestSchema);
    gate.reach(c, token, trail);
    const untilMs = until === undefined ? parts.now() : Date.parse(until);
    const sinceMs = since === undefined ? untilMs - defaultBacktestMs : Date.parse(since);
    if (sinceMs >= untilMs) throw bodyFault('/since', 'expected a time before its end');
    const { digest: _, ...rules } = await parts.detection.call('rulesForBacktest', keyIn(c));
    await recordReadOf(parts, c, token, 'rule.backtest', [
      { type: 'trail', id: trail },
      ...rules.keys.map((id) => ({ type: 'rule', id: id.slice(0, 256) })),
    ]);
    const result: Backtest = await parts.backtests.run({ ...rules, trail, sinceMs, untilMs });
    return c.json(result);
  };
}

/** `POST /v1/detection/backfill`: has correlations look again at a part of history, in the order in which it happened. */
export function backfill(parts: HttpParts, gate: Gate): Handler {
  return async (c) => {
    const token = managerOf(gate, c);
    const wanted = await readJsonBody(c, backfillRequestSchema);
    gate.reach(c, token, wanted.trail);
    const [sinceMs, untilMs] = [Date.parse(wanted.since), Date.parse(wanted.until)];
    if (sinceMs >= untilMs) throw bodyFault('/since', 'expected a time before its end');
    const { digest, ...rules } = await parts.detection.call('rulesForBacktest', undefined);
    const { trail } = wanted;
    const inOrder = await parts.backtests.findInOrder({ ...rules, trail, sinceMs, untilMs });
    const { leftOut, ...counts } = await parts.detection.call(
      'addFindings',
      wanted,
      { digest, found: inOrder },
      byOf(parts, c, token),
    );
    const result: Backfill = { entries: inOrder.entries, ...counts, leftOut: [...leftOut] };
    return c.json(result);
  };
}

/** `GET /v1/detection`: how far detection is. */
export function getDetection(parts: HttpParts, gate: Gate): Handler {
  return async (c) => {
    gate.refuseScope(c, gate.authorize(c, 'alerts.read'));
    parametersOf(c, []);
    return c.json(await parts.detection.call('status'));
  };
}

/** Rules are of all trails and tenants, and so is whoever changes them. */
function managerOf(gate: Gate, c: HttpContext): Token {
  const token = gate.authorize(c, 'rules.manage');
  gate.refuseScope(c, token);
  return token;
}

/**
 * Rules about the trail `system` watch those who change rules, too: none that is there, in the file of the rule that is
 * named, is taken away by who may not read that trail.
 */
async function refuseSystemRules(parts: HttpParts, gate: Gate, c: HttpContext, token: Token): Promise<void> {
  if (may(token, 'system.read')) return;
  const rules = await parts.detection.call('listRules');
  const wanted = keyIn(c);
  const rule = rules.find(({ key }) => key === wanted) ?? rules.find(({ name }) => name === wanted);
  const isWhole = c.req.method !== 'POST';
  const taken = rules.filter((one) => one === rule || (isWhole && one.file === rule?.file));
  if (taken.some(({ isAboutSystem }) => isAboutSystem))
    throw gate.denied(c, token, 'the rule is about the trail system, which the token may not read');
}

const keyIn = (c: HttpContext): string => c.req.param('key') ?? '';
