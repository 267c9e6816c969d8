import type { AlertAction, Notification } from '@sealtrail/core';
import type Database from 'better-sqlite3';
import { SqliteActStore } from '../../../adapters/sqlite/act-store.ts';
import { SqliteAlertStore } from '../../../adapters/sqlite/alert-store.ts';
import { openDetectionDatabase } from '../../../adapters/sqlite/detection-database.ts';
import { SqliteDetectionStore } from '../../../adapters/sqlite/detection-store.ts';
import type { Act, AlertQuery, StoredAlert, StoredFinding } from '../../../detection-ports.ts';
import { temporaryFolder } from '../../../sequencer/testing/temporary-folder.ts';
import { AlertBook, type AlertRule } from '../alert-book.ts';
import type { NotifiedChannel } from '../notified-channel.ts';
import { Notifier } from '../notifier.ts';
import { Silences } from '../silences.ts';

export const by = { actor: { type: 'api_key', id: 'tok_1', name: 'analyst' } } as const;
const rules: Readonly<Record<string, AlertRule>> = {
  guessing: { title: 'Guessing', level: 'medium', tags: ['attack.t1110'], risk: 20 },
  break_in: { title: 'Break-in', level: 'critical', tags: [], risk: 80 },
  noise: { title: 'Noise', level: 'informational', tags: [], risk: 1 },
};
export const dayMs = 86_400_000;
export const startMs = Date.UTC(2026, 0, 5);

/** Alerts over a database of their own, at a time that stands still. */
export class Book implements Disposable {
  readonly folder = temporaryFolder();
  readonly db: Database.Database = openDetectionDatabase(this.folder.detection);
  readonly store = new SqliteAlertStore(this.db);
  readonly acts = new SqliteActStore(this.db);
  readonly findings = new SqliteDetectionStore(this.db);
  readonly told: { readonly channel: string; readonly type: string; readonly alert: string }[] = [];
  channels: NotifiedChannel[] = [channel('chn_1')];
  nowMs = startMs;
  readonly notifier = new Notifier({
    store: this.store,
    channels: () => this.channels,
    enqueue: (to, { type, data }: Notification) =>
      void this.told.push({ channel: to, type, alert: data.alert.id }),
    inhibitors: (rule) => (rule === 'guessing' ? ['break_in'] : []),
    now: () => this.nowMs,
  });
  readonly book = new AlertBook({
    store: this.store,
    acts: this.acts,
    now: () => this.nowMs,
    ruleOf: (key) => rules[key],
    read: (_, entries) => ({
      actors: entries.map((index) => `u_${index}`),
      addresses: [],
      firstMs: undefined,
    }),
    onChange: (alert, change) => this.notifier.changed(alert, change),
  });
  readonly silences = new Silences({
    store: this.store,
    acts: this.acts,
    now: () => this.nowMs,
    newId: () => `sil_${'a'.repeat(16)}`,
  });

  /** Findings as the follower commits them. */
  take(...found: readonly StoredFinding[]): void {
    this.findings.commit('main', { cursor: 0, findings: found }, () => {
      this.book.take(found);
      this.notifier.notifyDue();
    });
  }

  act(id: string, action: AlertAction): StoredAlert {
    return this.db.transaction(() => this.book.act(id, action, by))();
  }

  /** Lets time pass, and what is due be told. */
  wait(ms: number): void {
    this.nowMs += ms;
    this.db.transaction(() => this.notifier.notifyDue())();
  }

  /** Tells channels of all that they do not know of, a part after the other; how many parts there were. */
  catchUp(): number {
    let parts = 0;
    let next: AlertQuery['before'];
    do {
      next = this.db.transaction(() => this.notifier.catchUp(next))();
      parts++;
    } while (next !== undefined);
    return parts;
  }

  /** In the order in which they were opened. */
  get alerts(): readonly StoredAlert[] {
    return this.recorded
      .filter(({ action }) => action === 'alert.open')
      .map(({ targets }) => this.store.get(targets![0]!.id!)!);
  }

  get types(): readonly string[] {
    return this.told.map(({ type }) => type.replace('alert.', ''));
  }

  get recorded(): readonly Act[] {
    return this.acts.waiting(1000).map(({ act }) => act);
  }

  [Symbol.dispose](): void {
    this.db.close();
    this.folder[Symbol.dispose]();
  }
}

export function channel(id: string, timers: Partial<NotifiedChannel['timers']> = {}): NotifiedChannel {
  return {
    id,
    isEnabled: true,
    filter: { minLevel: 'medium' },
    timers: { waitMs: 0, intervalMs: 300_000, repeatMs: 3_600_000, ...timers },
  };
}

let number = 0;
export function finding(given: Partial<StoredFinding> = {}): StoredFinding {
  number++;
  const at = given.startMs ?? startMs;
  return {
    id: `fnd_${number.toString(16).padStart(24, '0')}`,
    trail: 'main',
    tenant: undefined,
    rule: 'guessing',
    kind: 'correlation',
    entity: { 'actor.id': 'u_1' },
    ...{ startMs: at, lastMs: at, endMs: undefined, peak: 5, value: undefined },
    entries: [number],
    mergedInto: undefined,
    ...given,
  };
}
