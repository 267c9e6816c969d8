import { type Alert, SealtrailError } from '@sealtrail/core';
import type { Issuer } from '../../access/issue-token.ts';
import { systemTrail } from '../../access/permissions.ts';
import type { AlertStore, StoredAlert } from '../../detection-ports.ts';
import { isoTime } from '../../iso-time.ts';
import type { AlertCalls, AlertScope } from '../detect/detection-calls.ts';
import type { AlertBook } from './alert-book.ts';
import { decodeAlertCursor, encodeAlertCursor } from './alert-cursor.ts';
import type { Notifier } from './notifier.ts';
import type { Silences } from './silences.ts';

export interface AlertDeskParts {
  readonly store: AlertStore;
  readonly book: AlertBook;
  readonly notifier: Notifier;
  readonly silences: Silences;
  /** Runs work as one transaction, with what channels are to be told of it. */
  readonly change: <T>(work: () => T) => T;
}

const findingsShown = 100;

/** What people ask of alerts and silences, and do with them. */
export class AlertDesk implements AlertCalls {
  readonly #parts: AlertDeskParts;

  constructor(parts: AlertDeskParts) {
    this.#parts = parts;
  }

  listAlerts(...[query, cursor]: Parameters<AlertCalls['listAlerts']>): ReturnType<AlertCalls['listAlerts']> {
    const { store, notifier } = this.#parts;
    const { limit } = query;
    const before = cursor === undefined ? undefined : decodeAlertCursor(cursor);
    const found = store.list({ ...query, before, limit: limit + 1 });
    const page = found.slice(0, limit);
    return {
      alerts: page.map((alert) => notifier.shown(alert)),
      nextCursor: found.length > limit ? encodeAlertCursor(page[page.length - 1]!) : null,
    };
  }

  getAlert(id: string, scope: AlertScope): ReturnType<AlertCalls['getAlert']> {
    const { store, notifier } = this.#parts;
    const alert = this.#reached(id, scope);
    return {
      alert: notifier.shown(alert),
      steps: [...store.steps(id)],
      findings: store
        .findingsOf(id, findingsShown)
        .map(({ id: finding, rule, kind, startMs, lastMs, endMs, peak, value, entries }) => ({
          ...{ id: finding, rule, kind, peak, value: value ?? null },
          startedAt: isoTime(startMs),
          lastAt: isoTime(lastMs),
          endedAt: endMs === undefined ? null : isoTime(endMs),
          entries: [...entries],
        })),
    };
  }

  actOnAlert(...[id, action, by, scope]: Parameters<AlertCalls['actOnAlert']>): Alert {
    const { book, change, notifier } = this.#parts;
    const alert = change(() => {
      this.#reached(id, scope);
      if (action.action === 'resolve' && action.duplicateOf !== undefined)
        this.#reached(action.duplicateOf, scope);
      const changed = book.act(id, action, by);
      // Alerts that this one stood for are told of now.
      if (changed.status === 'resolved') notifier.unmute();
      return changed;
    });
    return notifier.shown(alert);
  }

  changedAlerts(...[revision, query]: Parameters<AlertCalls['changedAlerts']>): readonly Alert[] {
    const { book, store, notifier } = this.#parts;
    // What lies beyond all changes was counted in another database, of which nothing here is known.
    const after = revision > book.revision ? 0 : revision;
    return store.changedAfter(after, query).map((alert) => notifier.shown(alert));
  }

  alertRevision(): number {
    return this.#parts.book.revision;
  }

  alertStats(...[query]: Parameters<AlertCalls['alertStats']>): ReturnType<AlertCalls['alertStats']> {
    const counts = this.#parts.store.stats(query);
    return {
      total: Object.values(counts.byStatus).reduce((sum, count) => sum + count, 0),
      ...counts,
      byStatus: { open: 0, acknowledged: 0, assigned: 0, resolved: 0, ...counts.byStatus },
      byLevel: { informational: 0, low: 0, medium: 0, high: 0, critical: 0, ...counts.byLevel },
      byDisposition: {
        ...{ true_positive: 0, benign: 0, false_positive: 0, duplicate: 0 },
        ...counts.byDisposition,
      },
      byRule: [...counts.byRule],
    };
  }

  listSilences(): ReturnType<AlertCalls['listSilences']> {
    return this.#parts.silences.list();
  }

  createSilence(
    ...[silence, exceptSystem, by]: Parameters<AlertCalls['createSilence']>
  ): ReturnType<AlertCalls['createSilence']> {
    const { change, silences } = this.#parts;
    return change(() => silences.create(silence, exceptSystem, by));
  }

  endSilence(id: string, by: Issuer): ReturnType<AlertCalls['endSilence']> {
    const { change, notifier, silences } = this.#parts;
    return change(() => {
      const silence = silences.end(id, by);
      notifier.unmute();
      return silence;
    });
  }

  /** An alert that is there and within reach. */
  #reached(id: string, { trails, tenants, hidesSystem }: AlertScope): StoredAlert {
    const alert = this.#parts.store.get(id);
    const isReached =
      alert !== undefined &&
      (trails === undefined || trails.includes(alert.trail)) &&
      !(hidesSystem && alert.trail === systemTrail) &&
      (tenants === undefined || (alert.tenant !== null && tenants.includes(alert.tenant)));
    if (!isReached) throw new SealtrailError('alert_not_found');
    return alert;
  }
}
