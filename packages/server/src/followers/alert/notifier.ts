import { createHash } from 'node:crypto';
import type { Alert, Notification, NotificationKind } from '@sealtrail/core';
import type { AlertQuery, AlertStore, Notice, StoredAlert } from '../../detection-ports.ts';
import type { AlertChange } from './alert-book.ts';
import { type Muting, mutingOf } from './mute.ts';
import { isFor, type NotifiedChannel, nextMsOf } from './notified-channel.ts';

export interface NotifierParts {
  readonly store: AlertStore;
  readonly channels: () => readonly NotifiedChannel[];
  /** Takes a notification on its way, in the same transaction. */
  readonly enqueue: (channel: string, notification: Notification) => void;
  readonly inhibitors: (rule: string) => readonly string[];
  readonly now: () => number;
}

/** How long until a muted notice is looked at again. */
const mutedMs = 60_000;
const noticesPerRound = 500;
/** Alerts that one transaction looks at for channels that do not know of them. */
const alertsPerRound = 200;
/** Channels are not told of alerts about what is older: of logs that are imported, say. */
const oldMs = 86_400_000;

/**
 * Decides when channels are told of alerts, by their timers as in Alertmanager: the first time after `waitMs`, of changes
 * at most each `intervalMs`, and again after `repeatMs` as long as nobody has taken the alert up. Whoever calls has a
 * transaction open.
 */
export class Notifier {
  readonly #parts: NotifierParts;

  constructor(parts: NotifierParts) {
    this.#parts = parts;
  }

  /** An alert is new or has changed. */
  changed(alert: StoredAlert, change: AlertChange): void {
    const isResolved = alert.status === 'resolved';
    if (change === 'opened') this.#opened(alert);
    else if (change === 'reopened') this.#reopened(alert);
    else if (change === 'grown' && !isResolved) this.#grown(alert);
    else if (change === 'shrunk') this.#shrunk(alert);
    else if (change === 'step' && isResolved) this.#resolved(alert);
    else if (change === 'step') this.#taken(alert);
  }

  /** Tells channels what is due; true when there may be more. */
  notifyDue(): boolean {
    const nowMs = this.#parts.now();
    const due = this.#parts.store.dueNotices(nowMs, noticesPerRound);
    for (const notice of due) this.#notify(notice, nowMs);
    return due.length === noticesPerRound;
  }

  mutingOf(alert: StoredAlert): Muting {
    const { store, inhibitors, now } = this.#parts;
    return mutingOf(alert, { store, inhibitors, nowMs: now() });
  }

  /** An alert as it is shown. */
  shown(alert: StoredAlert): Alert {
    const { group: _, ...shown } = alert;
    const { silencedBy, inhibitedBy } = this.mutingOf(alert);
    return { ...shown, silencedBy: [...silencedBy], inhibitedBy: [...inhibitedBy] };
  }

  /** Channels that do not know of it are to be told. */
  #opened(alert: StoredAlert): void {
    const { channels, store, now } = this.#parts;
    // What is long past wakes nobody up.
    if (now() - Date.parse(alert.lastEventAt) > oldMs) return;
    const known = new Set(store.notices(alert.id).map(({ channel }) => channel));
    for (const channel of channels()) {
      if (!isFor(channel, alert) || known.has(channel.id)) continue;
      const dueMs = now() + channel.timers.waitMs;
      store.putNotice({ alert: alert.id, channel: channel.id, dueMs, toldMs: undefined, toldFindings: 0 });
    }
  }

  #grown(alert: StoredAlert): void {
    const { store, now } = this.#parts;
    const nowMs = now();
    for (const notice of store.notices(alert.id)) {
      const { toldMs, toldFindings, dueMs } = notice;
      if (toldMs === undefined || alert.findings <= toldFindings) continue;
      const intervalMs = this.#channel(notice.channel)?.timers.intervalMs ?? 0;
      const nextMs = Math.max(nowMs, toldMs + intervalMs);
      if (dueMs === undefined || nextMs < dueMs) store.putNotice({ ...notice, dueMs: nextMs });
    }
    // It may be the first of its findings that is not long past.
    if (alert.status === 'open') this.#opened(alert);
  }

  /** Channels were told of one less, so that the next one is news; what they were not told of yet stays as much. */
  #shrunk(alert: StoredAlert): void {
    const { store } = this.#parts;
    for (const notice of store.notices(alert.id))
      store.putNotice({ ...notice, toldFindings: Math.max(0, notice.toldFindings - 1) });
  }

  /** It is told of again at once, and for the first time where it could not be before. */
  #reopened(alert: StoredAlert): void {
    const { store, now } = this.#parts;
    for (const notice of store.notices(alert.id)) store.putNotice({ ...notice, dueMs: now() });
    this.#opened(alert);
  }

  /**
   * Tells channels of alerts that they were never told of, and goes on where they were disabled when something was due: of a
   * part of what is not resolved, the newest first.
   *
   * @param before the last alert of the part before; undefined: begins
   * @returns the last alert of this part; undefined: there are no more
   */
  catchUp(before: AlertQuery['before']): AlertQuery['before'] {
    const alerts = this.#parts.store.unresolved(before, alertsPerRound);
    for (const alert of alerts) {
      this.#goOn(alert);
      if (alert.status === 'open') this.#opened(alert);
    }
    const last = alerts[alertsPerRound - 1];
    return last && { openedAt: last.openedAt, id: last.id };
  }

  /** Sets timers that have run out while a channel was disabled. */
  #goOn(alert: StoredAlert): void {
    const { store, now } = this.#parts;
    for (const notice of store.notices(alert.id)) {
      const channel = this.#channel(notice.channel);
      if (notice.dueMs !== undefined || channel === undefined || !isFor(channel, alert)) continue;
      const nextMs = nextMsOf(notice, alert, channel.timers);
      if (nextMs !== undefined) store.putNotice({ ...notice, dueMs: Math.max(now(), nextMs) });
    }
  }

  /** Somebody has taken it up. */
  #taken(alert: StoredAlert): void {
    const { store } = this.#parts;
    for (const notice of store.notices(alert.id)) {
      if (notice.toldMs === undefined) continue;
      const isPending = alert.findings > notice.toldFindings;
      const dueMs = isPending ? notice.dueMs : undefined;
      store.putNotice({ ...notice, dueMs });
    }
  }

  /** Whoever was told of the alert is told of its end. */
  #resolved(alert: StoredAlert): void {
    const { store, now } = this.#parts;
    const notices = store.notices(alert.id);
    store.removeNotices(alert.id);
    for (const notice of notices)
      if (notice.toldMs !== undefined) {
        if (this.#channel(notice.channel)?.isEnabled) this.#enqueue(notice.channel, alert, 'alert.resolved');
        store.putNotice({ ...notice, dueMs: undefined, toldMs: now(), toldFindings: alert.findings });
      }
  }

  #notify(notice: Notice, nowMs: number): void {
    const { store } = this.#parts;
    const channel = this.#channel(notice.channel);
    const alert = store.get(notice.alert);
    if (channel === undefined || !channel.isEnabled || alert === undefined || alert.status === 'resolved') {
      // Of a channel that is disabled until `catchUp`.
      store.putNotice({ ...notice, dueMs: undefined });
      return;
    }
    const { silencedBy, inhibitedBy } = this.mutingOf(alert);
    // An alert that the channel was not told of stands for nothing there.
    const isPart = inhibitedBy.some((id) =>
      store.notices(id).some((other) => other.channel === notice.channel && other.toldMs !== undefined),
    );
    if (silencedBy.length > 0 || isPart) {
      store.putNotice({ ...notice, dueMs: nowMs + mutedMs });
      return;
    }
    const kind =
      notice.toldMs === undefined
        ? 'alert.opened'
        : alert.findings > notice.toldFindings
          ? 'alert.updated'
          : 'alert.repeated';
    this.#enqueue(notice.channel, alert, kind);
    const { repeatMs } = channel.timers;
    const isOpen = alert.status === 'open';
    store.putNotice({
      ...notice,
      dueMs: isOpen && repeatMs > 0 ? nowMs + repeatMs : undefined,
      toldMs: nowMs,
      toldFindings: alert.findings,
    });
  }

  /** Looks at muted alerts at once: a silence has ended, or the alert that stood for them. */
  unmute(): void {
    const { store, now } = this.#parts;
    const nowMs = now();
    for (const notice of store.dueNotices(nowMs + mutedMs, noticesPerRound))
      if (notice.dueMs !== undefined && notice.dueMs > nowMs && this.#isLate(notice, nowMs))
        store.putNotice({ ...notice, dueMs: nowMs });
  }

  /** Whether a notice waits only because it was muted. */
  #isLate({ alert: id, channel: channelId, toldMs }: Notice, nowMs: number): boolean {
    const alert = this.#parts.store.get(id);
    const channel = this.#channel(channelId);
    if (alert === undefined || channel === undefined) return false;
    return toldMs === undefined
      ? Date.parse(alert.openedAt) + channel.timers.waitMs <= nowMs
      : toldMs + channel.timers.intervalMs <= nowMs;
  }

  #channel(id: string): NotifiedChannel | undefined {
    return this.#parts.channels().find((channel) => channel.id === id);
  }

  #enqueue(channel: string, stored: StoredAlert, type: NotificationKind): void {
    const timestamp = new Date(this.#parts.now()).toISOString();
    const alert = this.shown(stored);
    const digest = createHash('sha256')
      .update(
        `sealtrail/notification/v1\0${JSON.stringify([channel, alert.id, alert.revision, type, timestamp])}`,
      )
      .digest('hex');
    this.#parts.enqueue(channel, {
      id: `ntf_${digest.slice(0, 24)}`,
      type,
      timestamp,
      data: { alert },
    });
  }
}
