import { type Alert, severities } from '@sealtrail/core';
import type { Notice, StoredAlert } from '../../detection-ports.ts';

/** What of a channel decides when it is told of which alerts. */
export interface NotifiedChannel {
  readonly id: string;
  readonly isEnabled: boolean;
  readonly filter: {
    readonly minLevel: Alert['level'];
    readonly rules?: readonly string[] | undefined;
    readonly trails?: readonly string[] | undefined;
    readonly tenants?: readonly string[] | undefined;
  };
  readonly timers: { readonly waitMs: number; readonly intervalMs: number; readonly repeatMs: number };
}

/** When a channel is to be told of an alert next, by its timers; undefined: when it changes. */
export function nextMsOf(
  { toldMs, toldFindings }: Notice,
  { openedAt, findings, status }: StoredAlert,
  { waitMs, intervalMs, repeatMs }: NotifiedChannel['timers'],
): number | undefined {
  if (toldMs === undefined) return Date.parse(openedAt) + waitMs;
  if (findings > toldFindings) return toldMs + intervalMs;
  return status === 'open' && repeatMs > 0 ? toldMs + repeatMs : undefined;
}

/** Whether a channel is told of an alert: it is enabled, and the alert passes its filter. */
export function isFor({ isEnabled, filter }: NotifiedChannel, alert: StoredAlert): boolean {
  const { minLevel, rules, trails, tenants } = filter;
  return (
    isEnabled &&
    severities.indexOf(alert.level) >= severities.indexOf(minLevel) &&
    (rules === undefined || rules.includes(alert.rule.key)) &&
    (trails === undefined || trails.includes(alert.trail)) &&
    (tenants === undefined || (alert.tenant !== null && tenants.includes(alert.tenant)))
  );
}
