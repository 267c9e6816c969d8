import type { DeadLetter, Notification } from '@sealtrail/core';
import type Database from 'better-sqlite3';
import type { ChannelState, LineHead, Outbox, Settlement, StoredChannel } from '../../channel-ports.ts';
import { writeFailure } from '../disk-failure.ts';
import { LineBounds, type OutboxLimits } from './line-bounds.ts';

/**
 * The tables of channels and deliveries, for the database of detection. Secrets of channels are in `target`: the file is as
 * confidential as they are.
 */
export const outboxTables = `
CREATE TABLE channel (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, target TEXT NOT NULL, filter TEXT NOT NULL, timers TEXT NOT NULL,
  personal_data INTEGER NOT NULL, is_enabled INTEGER NOT NULL, disabled_because TEXT, created_at TEXT NOT NULL,
  changed_at TEXT NOT NULL, failures INTEGER NOT NULL DEFAULT 0, retry_at_ms INTEGER NOT NULL DEFAULT 0,
  last_delivered_ms INTEGER, last_error TEXT, collapsed INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE delivery (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, id TEXT NOT NULL, alert TEXT NOT NULL,
  type TEXT NOT NULL, notification TEXT NOT NULL, enqueued_ms INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'waiting', ended_ms INTEGER, error TEXT
) STRICT;
CREATE UNIQUE INDEX delivery_id ON delivery (channel, id);
CREATE INDEX delivery_line ON delivery (channel, state, seq);
CREATE INDEX delivery_alert ON delivery (channel, alert, seq) WHERE state = 'waiting';
`;

interface ChannelRow {
  readonly id: string;
  readonly name: string;
  readonly target: string;
  readonly filter: string;
  readonly timers: string;
  readonly personal_data: number;
  readonly is_enabled: number;
  readonly disabled_because: string | null;
  readonly created_at: string;
  readonly changed_at: string;
}

interface StateRow {
  readonly failures: number;
  readonly retry_at_ms: number;
  readonly last_delivered_ms: number | null;
  readonly last_error: string | null;
  readonly collapsed: number;
  readonly dropped: number;
}

interface DeadRow {
  readonly id: string;
  readonly type: DeadLetter['type'];
  readonly alert: string;
  readonly enqueued_ms: number;
  readonly ended_ms: number;
  readonly attempts: number;
  readonly error: string;
}

/** Channels and what is on its way through them, in SQLite. The tables are those of {@link outboxTables}. */
export class SqliteOutbox implements Outbox {
  readonly #db: Database.Database;
  readonly #bounds: LineBounds;
  readonly #insert: Database.Statement;
  readonly #busy: Database.Statement<[], string>;
  readonly #head: Database.Statement<
    [string, number],
    { readonly seq: number; readonly notification: string; readonly enqueued_ms: number }
  >;
  readonly #channel: Database.Statement<[string], ChannelRow & StateRow>;

  constructor(db: Database.Database, limits: Partial<OutboxLimits> = {}) {
    this.#db = db;
    this.#bounds = new LineBounds(db, limits);
    this.#insert = db.prepare(
      `INSERT INTO delivery (channel, id, alert, type, notification, enqueued_ms)
       SELECT id, @id, @alert, @type, @notification, @nowMs FROM channel WHERE id = @channel
       ON CONFLICT DO NOTHING`,
    );
    this.#busy = db
      .prepare<[], string>(
        `SELECT id FROM channel WHERE is_enabled = 1
         AND EXISTS (SELECT 1 FROM delivery WHERE channel = channel.id AND state = 'waiting')`,
      )
      .pluck();
    this.#head = db.prepare(
      `SELECT seq, notification, enqueued_ms FROM delivery
       WHERE channel = ? AND state = 'waiting' AND seq > ? ORDER BY seq LIMIT 1`,
    );
    this.#channel = db.prepare('SELECT * FROM channel WHERE id = ?');
  }

  enqueue(channel: string, notification: Notification, nowMs: number): void {
    this.#write('the notification', () => {
      const { id, type, data } = notification;
      const added = this.#insert.run({
        channel,
        id,
        type,
        alert: data.alert.id,
        notification: JSON.stringify(notification),
        nowMs,
      }).changes;
      if (added > 0) this.#bounds.keepWaiting(channel, nowMs);
    });
  }

  busy(): readonly string[] {
    return this.#busy.all();
  }

  head(id: string, afterSeq: number): LineHead | undefined {
    const found = this.#channel.get(id);
    if (found?.is_enabled !== 1) return undefined;
    const row = this.#head.get(id, afterSeq);
    if (row === undefined) return undefined;
    return {
      channel: channelOf(found),
      failures: found.failures,
      retryAtMs: found.retry_at_ms,
      seq: row.seq,
      notification: JSON.parse(row.notification) as Notification,
      enqueuedMs: row.enqueued_ms,
    };
  }

  settle(settlements: readonly Settlement[]): void {
    const attempt = this.#db.prepare(
      `UPDATE delivery SET attempts = attempts + 1 WHERE seq = ? AND state = 'waiting'`,
    );
    const giveUp = this.#db.prepare(
      `UPDATE delivery SET state = 'dead', ended_ms = @atMs, error = @error
       WHERE channel = @channel AND state = 'waiting' AND enqueued_ms <= @giveUpBeforeMs`,
    );
    const end = this.#db.prepare(
      `UPDATE delivery SET attempts = attempts + 1, state = @state, ended_ms = @atMs, error = @error
       WHERE seq = @seq AND state = 'waiting'`,
    );
    const works = this.#db.prepare(
      'UPDATE channel SET failures = 0, retry_at_ms = 0, last_delivered_ms = @atMs, last_error = @error WHERE id = @channel',
    );
    const fails = this.#db.prepare(
      'UPDATE channel SET failures = failures + 1, retry_at_ms = @retryAtMs, last_error = @error WHERE id = @channel',
    );
    const refuses = this.#db.prepare(
      'UPDATE channel SET failures = 0, retry_at_ms = 0, last_error = @error WHERE id = @channel',
    );
    this.#write('what became of notifications', () => {
      for (const settled of settlements) {
        const { kind, seq, channel, atMs, error = null } = settled;
        if (kind === 'failed') {
          attempt.run(seq);
          fails.run({ channel, error, retryAtMs: settled.retryAtMs });
          giveUp.run({ channel, error, atMs, giveUpBeforeMs: settled.giveUpBeforeMs });
          continue;
        }
        end.run({ seq, atMs, error, state: kind });
        if (kind === 'delivered') works.run({ channel, atMs, error });
        else refuses.run({ channel, error });
      }
      const lastMs = Math.max(0, ...settlements.map(({ atMs }) => atMs));
      for (const channel of new Set(settlements.map(({ channel }) => channel)))
        this.#bounds.tidy(channel, lastMs);
    });
  }

  channels(): readonly StoredChannel[] {
    return this.#db
      .prepare<[], ChannelRow>('SELECT * FROM channel ORDER BY created_at, id')
      .all()
      .map(channelOf);
  }

  channel(id: string): StoredChannel | undefined {
    const row = this.#channel.get(id);
    return row && channelOf(row);
  }

  state(id: string): ChannelState {
    const row = this.#channel.get(id);
    return {
      waiting: this.#bounds.count(id, 'waiting'),
      dead: this.#bounds.count(id, 'dead'),
      collapsed: row?.collapsed ?? 0,
      dropped: row?.dropped ?? 0,
      failures: row?.failures ?? 0,
      retryAtMs: row?.retry_at_ms ?? 0,
      lastDeliveredMs: row?.last_delivered_ms ?? undefined,
      lastError: row?.last_error ?? undefined,
    };
  }

  counts(): { readonly waiting: number; readonly dead: number } {
    const [waiting = 0, dead = 0] = this.#db
      .prepare<[], [number, number]>(
        `SELECT count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'dead')
         FROM delivery WHERE state <> 'delivered'`,
      )
      .raw()
      .get()!;
    return { waiting, dead };
  }

  putChannel(channel: StoredChannel): void {
    const put = this.#db.prepare(
      `INSERT INTO channel (id, name, target, filter, timers, personal_data, is_enabled, disabled_because, created_at, changed_at)
       VALUES (@id, @name, @target, @filter, @timers, @personalData, @isEnabled, @disabledBecause, @createdAt, @changedAt)
       ON CONFLICT DO UPDATE SET name = excluded.name, target = excluded.target, filter = excluded.filter,
         timers = excluded.timers, personal_data = excluded.personal_data, is_enabled = excluded.is_enabled,
         disabled_because = excluded.disabled_because, changed_at = excluded.changed_at`,
    );
    this.#write('the channel', () =>
      put.run({
        ...channel,
        target: JSON.stringify(channel.target),
        filter: JSON.stringify(channel.filter),
        timers: JSON.stringify(channel.timers),
        personalData: Number(channel.personalData),
        isEnabled: Number(channel.isEnabled),
      }),
    );
  }

  hurry(id: string): void {
    const forget = this.#db.prepare('UPDATE channel SET failures = 0, retry_at_ms = 0 WHERE id = ?');
    this.#write('the channel', () => forget.run(id));
  }

  removeChannel(id: string): void {
    this.#write('the end of the channel', () => {
      this.#db.prepare('DELETE FROM delivery WHERE channel = ?').run(id);
      this.#db.prepare('DELETE FROM channel WHERE id = ?').run(id);
    });
  }

  deadLetters(channel: string, limit: number): readonly DeadLetter[] {
    return this.#db
      .prepare<[string, number], DeadRow>(
        `SELECT id, type, alert, enqueued_ms, ended_ms, attempts, error FROM delivery
         WHERE channel = ? AND state = 'dead' ORDER BY seq DESC LIMIT ?`,
      )
      .all(channel, limit)
      .map((row) => ({
        id: row.id,
        type: row.type,
        alert: row.alert,
        enqueuedAt: new Date(row.enqueued_ms).toISOString(),
        diedAt: new Date(row.ended_ms).toISOString(),
        attempts: row.attempts,
        error: row.error,
      }));
  }

  revive(channel: string, ids: readonly string[] | undefined, nowMs: number): number {
    const take = this.#db.prepare<[number], object>(
      'DELETE FROM delivery WHERE seq = ? RETURNING channel, id, alert, type, notification',
    );
    const add = this.#db.prepare(
      `INSERT INTO delivery (channel, id, alert, type, notification, enqueued_ms)
       VALUES (@channel, @id, @alert, @type, @notification, @nowMs)`,
    );
    return this.#write('dead letters', () => {
      const dead = this.#dead(channel, ids);
      // Another place in the line is another row: its number is the place.
      for (const seq of dead) add.run({ ...take.get(seq), nowMs });
      this.#bounds.keepWaiting(channel, nowMs);
      return dead.length;
    });
  }

  discard(channel: string, ids: readonly string[] | undefined): number {
    const remove = this.#db.prepare('DELETE FROM delivery WHERE seq = ?');
    return this.#write('dead letters', () => {
      const dead = this.#dead(channel, ids);
      for (const seq of dead) remove.run(seq);
      return dead.length;
    });
  }

  /** Places of dead letters, the oldest first. */
  #dead(channel: string, ids: readonly string[] | undefined): readonly number[] {
    return this.#db
      .prepare<[object], number>(
        `SELECT seq FROM delivery WHERE channel = @channel AND state = 'dead'
         AND (@ids IS NULL OR id IN (SELECT value FROM json_each(@ids))) ORDER BY seq`,
      )
      .pluck()
      .all({ channel, ids: ids === undefined ? null : JSON.stringify(ids) });
  }

  /** One commit, or a part of the caller's. @throws SealtrailError storage_unavailable */
  #write<T>(what: string, work: () => T): T {
    try {
      return this.#db.transaction(work)();
    } catch (error) {
      throw writeFailure(what, error);
    }
  }
}

const channelOf = (row: ChannelRow): StoredChannel => ({
  id: row.id,
  name: row.name,
  target: JSON.parse(row.target) as StoredChannel['target'],
  filter: JSON.parse(row.filter) as StoredChannel['filter'],
  timers: JSON.parse(row.timers) as StoredChannel['timers'],
  personalData: row.personal_data === 1,
  isEnabled: row.is_enabled === 1,
  disabledBecause: row.disabled_because,
  createdAt: row.created_at,
  changedAt: row.changed_at,
});
