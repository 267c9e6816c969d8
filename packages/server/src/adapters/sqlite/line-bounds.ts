import type Database from 'better-sqlite3';

export interface OutboxLimits {
  /** Notifications that wait in a channel. */
  readonly maxWaiting: number;
  /** Dead letters of a channel; beyond them the oldest are removed, and counted. */
  readonly maxDead: number;
  /** Delivered notifications by which a repeated one is known. */
  readonly maxDelivered: number;
  readonly keepDeliveredMs: number;
}

const defaultLimits: OutboxLimits = {
  maxWaiting: 10_000,
  maxDead: 10_000,
  maxDelivered: 1000,
  keepDeliveredMs: 7 * 86_400_000,
};

/** Said of those that were given up to keep a line within its bounds. */
const tooMany = 'too many were waiting';

/** Keeps lines of notifications within their bounds. Whoever calls has a transaction open. */
export class LineBounds {
  readonly #db: Database.Database;
  readonly #limits: OutboxLimits;

  constructor(db: Database.Database, limits: Partial<OutboxLimits>) {
    this.#db = db;
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** Notifications of a channel in a state. */
  count(channel: string, state: 'waiting' | 'dead'): number {
    return this.#db
      .prepare<[string, string], number>('SELECT count(*) FROM delivery WHERE channel = ? AND state = ?')
      .pluck()
      .get(channel, state)!;
  }

  /** Brings a line within its bounds where it is beyond them. */
  keepWaiting(channel: string, nowMs: number): void {
    if (this.count(channel, 'waiting') > this.#limits.maxWaiting) this.#relieve(channel, nowMs);
  }

  /**
   * Brings a line that is too long within its bounds: of an alert's updates that wait only the latest stays, and where that
   * is not enough the oldest become dead letters, some more than need be, so that not each further one comes to this. The
   * first of the line stays: it may be on its way.
   */
  #relieve(channel: string, nowMs: number): void {
    const collapsed = this.#db
      .prepare(
        `DELETE FROM delivery WHERE channel = @channel AND state = 'waiting'
         AND type IN ('alert.updated', 'alert.repeated')
         AND seq > (SELECT min(seq) FROM delivery WHERE channel = @channel AND state = 'waiting')
         AND EXISTS (SELECT 1 FROM delivery later WHERE later.channel = @channel AND later.alert = delivery.alert
           AND later.state = 'waiting' AND later.seq > delivery.seq)`,
      )
      .run({ channel }).changes;
    this.#db.prepare('UPDATE channel SET collapsed = collapsed + ? WHERE id = ?').run(collapsed, channel);
    const { maxWaiting } = this.#limits;
    const surplus = this.count(channel, 'waiting') - maxWaiting;
    if (surplus <= 0) return;
    this.#db
      .prepare(
        `UPDATE delivery SET state = 'dead', ended_ms = @nowMs, error = @error WHERE seq IN (
           SELECT seq FROM delivery WHERE channel = @channel AND state = 'waiting' ORDER BY seq LIMIT @count OFFSET 1)`,
      )
      .run({ channel, nowMs, error: tooMany, count: surplus + (maxWaiting >> 4) });
    this.#dropDead(channel);
  }

  /** Drops what is not to be remembered any longer of what was delivered or given up. */
  tidy(channel: string, nowMs: number): void {
    this.#dropDead(channel);
    this.#db
      .prepare(
        `DELETE FROM delivery WHERE channel = @channel AND state = 'delivered' AND (ended_ms < @beforeMs OR seq <= (
           SELECT seq FROM delivery WHERE channel = @channel AND state = 'delivered'
           ORDER BY seq DESC LIMIT 1 OFFSET @kept))`,
      )
      .run({
        channel,
        beforeMs: nowMs - this.#limits.keepDeliveredMs,
        kept: this.#limits.maxDelivered,
      });
  }

  #dropDead(channel: string): void {
    const dropped = this.#db
      .prepare(
        `DELETE FROM delivery WHERE channel = @channel AND state = 'dead' AND seq <= (
           SELECT seq FROM delivery WHERE channel = @channel AND state = 'dead' ORDER BY seq DESC LIMIT 1 OFFSET @kept)`,
      )
      .run({ channel, kept: this.#limits.maxDead }).changes;
    if (dropped > 0)
      this.#db.prepare('UPDATE channel SET dropped = dropped + ? WHERE id = ?').run(dropped, channel);
  }
}
