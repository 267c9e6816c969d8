import { createHash } from 'node:crypto';
import type { StoredFinding } from '../../ports.ts';

/** Where work on an alert stands. */
export const alertStatuses = ['open', 'acknowledged', 'resolved'] as const;
export type AlertStatus = (typeof alertStatuses)[number];

/** What an alert turned out to be. */
export const dispositions = ['true_positive', 'benign', 'false_positive', 'duplicate'] as const;
export type Disposition = (typeof dispositions)[number];

/** Findings of one rule about one entity, which people work on. Times in milliseconds since 1970. */
export interface Alert {
  /** `alr_...`: follows from the finding that opened it. */
  readonly id: string;
  /** See {@link alertKey}. */
  readonly key: string;
  readonly trail: string;
  readonly tenant: string | undefined;
  readonly rule: string;
  /** Whom or what it is about, by field. */
  readonly entity: StoredFinding['group'];
  readonly status: AlertStatus;
  readonly disposition: Disposition | undefined;
  readonly assignee: string | undefined;
  readonly note: string | undefined;
  /** When the server opened it, and when somebody took it up and ended it. */
  readonly openedMs: number;
  readonly acknowledgedMs: number | undefined;
  readonly resolvedMs: number | undefined;
  /** Event times of the first and the last that was found. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Findings, those left out that turned out to be a part of others. */
  readonly findings: number;
}

/** What people change of an alert. */
export interface AlertChange {
  readonly status?: AlertStatus | undefined;
  readonly disposition?: Disposition | undefined;
  readonly assignee?: string | undefined;
  readonly note?: string | undefined;
}

/** What findings have to have in common to be one alert. */
export function alertKey({ trail, tenant, rule, group }: StoredFinding): string {
  const entity = Object.entries(group).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([trail, tenant ?? null, rule, entity]);
}

/** Opens an alert for a finding that belongs to none. */
export function openAlert(finding: StoredFinding, nowMs: number): Alert {
  const digest = createHash('sha256').update(`sealtrail/alert/v1\0${finding.id}`).digest('hex');
  const { trail, tenant, rule, group, startMs, lastMs } = finding;
  return {
    id: `alr_${digest.slice(0, 24)}`,
    key: alertKey(finding),
    ...{ trail, tenant, rule, entity: group, status: 'open' },
    ...{ disposition: undefined, assignee: undefined, note: undefined },
    ...{ openedMs: nowMs, acknowledgedMs: undefined, resolvedMs: undefined },
    ...{ firstMs: startMs, lastMs, findings: 1 },
  };
}

/**
 * An alert with one more finding, or with what has changed of one that it has.
 *
 * @param change findings that come to it: 1, 0, or -1 for one that turned out to be a part of another
 */
export function withFinding(alert: Alert, { startMs, lastMs }: StoredFinding, change: 1 | 0 | -1): Alert {
  return {
    ...alert,
    firstMs: Math.min(alert.firstMs, startMs),
    lastMs: Math.max(alert.lastMs, lastMs),
    findings: alert.findings + change,
  };
}

/** An alert after somebody has worked on it. Opened again, it is as if it had not been ended. */
export function changedAlert(alert: Alert, change: AlertChange, nowMs: number): Alert {
  const status = change.status ?? alert.status;
  const isReopened = status !== 'resolved' && alert.status === 'resolved';
  return {
    ...alert,
    status,
    disposition: isReopened ? undefined : (change.disposition ?? alert.disposition),
    assignee: change.assignee ?? alert.assignee,
    note: change.note ?? alert.note,
    acknowledgedMs: status === 'open' ? undefined : (alert.acknowledgedMs ?? nowMs),
    resolvedMs: status === 'resolved' ? (alert.resolvedMs ?? nowMs) : undefined,
  };
}
