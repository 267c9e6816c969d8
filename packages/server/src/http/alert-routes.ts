import {
  type Alert,
  alertActionSchema,
  alertStatuses,
  eventLimits,
  SealtrailError,
  severities,
  type Token,
} from '@sealtrail/core';
import { everything, may, tenantsOf } from '../access/permissions.ts';
import type { AlertQuery } from '../detection-ports.ts';
import type { AlertScope } from '../followers/detect/detection-calls.ts';
import { boundedLimit, limits } from '../search-bounds.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';
import { readJsonBody } from './json-body.ts';
import { integer, oneOf, type Parameters, parametersOf, timeOf } from './parameters.ts';
import { recordReadOf } from './search-routes.ts';
import { byOf } from './source.ts';

/** What alerts can be asked for by; each once. */
export const alertParameters = ['status', 'minLevel', 'rule', 'assignee', 'trail', 'since'] as const;

/** Alerts that a token may see: of its trails and tenants. */
export function alertScopeOf(token: Token): AlertScope {
  return {
    trails: token.trails.includes(everything) ? undefined : token.trails,
    tenants: tenantsOf(token),
    hidesSystem: !may(token, 'system.read'),
  };
}

/** `GET /v1/alerts`: a page of alerts, those opened last first. */
export function getAlerts(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'alerts.read');
    const parameters = parametersOf(c, [...alertParameters, 'limit', 'cursor']);
    const query = alertQueryOf(parts, gate, c, token, parameters);
    const limit = boundedLimit(integer(parameters, 'limit') ?? limits.page);
    const page = await parts.detection.call('listAlerts', { ...query, limit }, parameters.get('cursor'));
    await recordReadOf(parts, c, token, 'alert.list', idsOf(page.alerts));
    return c.json(page);
  };
}

/** `GET /v1/alerts/stats`: how alerts were dealt with. */
export function getAlertStats(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'alerts.read');
    const query = alertQueryOf(parts, gate, c, token, parametersOf(c, alertParameters));
    return c.json(await parts.detection.call('alertStats', query));
  };
}

/** `GET /v1/alerts/{id}`: an alert with its steps and findings. */
export function getAlert(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'alerts.read');
    parametersOf(c, []);
    const details = await parts.detection.call('getAlert', c.req.param('id') ?? '', alertScopeOf(token));
    await recordReadOf(parts, c, token, 'alert.read', idsOf([details.alert]));
    return c.json(details);
  };
}

/** `POST /v1/alerts/{id}`: a step of an alert's life. */
export function postAlertAction(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'alerts.manage');
    const action = await readJsonBody(c, alertActionSchema);
    const id = c.req.param('id') ?? '';
    return c.json(
      await parts.detection.call('actOnAlert', id, action, byOf(parts, c, token), alertScopeOf(token)),
    );
  };
}

/** Which alerts a request asks for, within what its token reaches. @throws SealtrailError invalid_parameter | forbidden */
export function alertQueryOf(
  parts: Pick<HttpParts, 'now' | 'log'>,
  gate: Gate,
  c: HttpContext,
  token: Token,
  parameters: Parameters,
): Omit<AlertQuery, 'limit' | 'before'> {
  const trail = parameters.get('trail');
  if (trail !== undefined) gate.reach(c, token, trail);
  const scope = alertScopeOf(token);
  return {
    ...scope,
    ...(trail !== undefined && { trails: [trail] }),
    statuses: statusesOf(parameters),
    minLevel: oneOf(parameters, 'minLevel', severities),
    rule: parameters.get('rule'),
    assignee: parameters.get('assignee'),
    sinceMs: timeOf(parameters, 'since', parts.now()),
  };
}

/** Alerts as targets of an entry, as many as it has room for. */
const idsOf = (alerts: readonly Alert[]): { readonly type: string; readonly id: string }[] =>
  alerts.slice(0, eventLimits.targets).map(({ id }) => ({ type: 'alert', id }));

/** One or several statuses, parted by commas. */
function statusesOf(parameters: Parameters): AlertQuery['statuses'] {
  const text = parameters.get('status');
  return text?.split(',').map((word) => {
    const status = alertStatuses.find((one) => one === word);
    if (status === undefined)
      throw new SealtrailError(
        'invalid_parameter',
        `status: expected one or several of ${alertStatuses.join(', ')}, parted by commas`,
      );
    return status;
  });
}
