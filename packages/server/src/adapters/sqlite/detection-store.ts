import type { CorrelatorChanges, SavedDetector } from '@sealtrail/core/sigma';
import type Database from 'better-sqlite3';
import type { DetectionStore, Found, Snapshot, StoredFinding, Tick } from '../../detection-ports.ts';
import { StatementCache } from './statement-cache.ts';

export interface FindingRow {
  readonly id: string;
  readonly trail: string;
  readonly tenant: string | null;
  readonly rule: string;
  readonly kind: StoredFinding['kind'];
  readonly entity: string;
  readonly start_ms: number;
  readonly last_ms: number;
  readonly end_ms: number | null;
  readonly peak: number;
  /** JSON. */
  readonly value: string | null;
  readonly entries: string;
  readonly merged_into: string | null;
}

/** Findings and the state of correlations, in a detection database. */
export class SqliteDetectionStore implements DetectionStore {
  readonly #db: Database.Database;
  readonly #statements: StatementCache;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#statements = new StatementCache(db);
  }

  cursor(trail: string): number {
    const entries = this.#statements.prepare('SELECT entries FROM cursor WHERE trail = ?').pluck().get(trail);
    return (entries as number | undefined) ?? 0;
  }

  commit(trail: string, { cursor, findings, tickMs, isSettled = false }: Found, within?: () => void): void {
    const put = this.#statements.prepare(
      `INSERT INTO finding (id, trail, tenant, rule, kind, entity, start_ms, last_ms, end_ms, peak, value, entries, merged_into, is_settled)
       VALUES (@id, @trail, @tenant, @rule, @kind, @entity, @startMs, @lastMs, @endMs, @peak, @value, @entries, @mergedInto, @isSettled)
       ON CONFLICT DO UPDATE SET start_ms = excluded.start_ms, last_ms = excluded.last_ms, end_ms = excluded.end_ms,
         peak = excluded.peak, entries = excluded.entries, merged_into = excluded.merged_into,
         is_settled = max(is_settled, excluded.is_settled)`,
    );
    this.#db.transaction(() => {
      for (const finding of findings)
        put.run({
          ...finding,
          tenant: finding.tenant ?? null,
          entity: JSON.stringify(finding.entity),
          endMs: finding.endMs ?? null,
          value: finding.value === undefined ? null : JSON.stringify(finding.value),
          entries: JSON.stringify(finding.entries),
          mergedInto: finding.mergedInto ?? null,
          isSettled: Number(isSettled),
        });
      this.#statements
        .prepare(
          'INSERT INTO cursor (trail, entries) VALUES (?, ?) ON CONFLICT DO UPDATE SET entries = excluded.entries',
        )
        .run(trail, cursor);
      if (tickMs !== undefined)
        this.#statements
          .prepare(
            'INSERT INTO tick (trail, entries, watermark_ms) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET watermark_ms = excluded.watermark_ms',
          )
          .run(trail, cursor, tickMs);
      within?.();
    })();
  }

  isSettled(finding: string): boolean {
    return this.#statements.prepare('SELECT is_settled FROM finding WHERE id = ?').pluck().get(finding) === 1;
  }

  ticks(trail: string): readonly Tick[] {
    return this.#statements
      .prepare<[string], Tick>(
        'SELECT entries, watermark_ms AS watermarkMs FROM tick WHERE trail = ? ORDER BY entries',
      )
      .all(trail);
  }

  snapshot(trail: string): Snapshot | undefined {
    return this.#db.transaction(() => {
      const row = this.#statements
        .prepare<[string], { entries: number; watermark_ms: number | null; waiting: string }>(
          'SELECT entries, watermark_ms, waiting FROM snapshot WHERE trail = ?',
        )
        .get(trail);
      if (row === undefined) return undefined;
      const groups = this.#statements
        .prepare<[string, string], [string, string]>(
          'SELECT key, held FROM correlation_group WHERE trail = ? AND rule = ?',
        )
        .raw();
      const correlators = this.#statements
        .prepare<[string], { rule: string; fingerprint: string }>(
          'SELECT rule, fingerprint FROM correlation WHERE trail = ?',
        )
        .all(trail);
      const held = correlators.map(({ rule }) => {
        const ofRule = groups.all(trail, rule).map(([key, text]) => [key, JSON.parse(text)] as const);
        return [rule, { groups: ofRule }] as const;
      });
      const waiting = JSON.parse(row.waiting) as Snapshot['state']['waiting'];
      return {
        entries: row.entries,
        state: { watermarkMs: row.watermark_ms, waiting, correlators: new Map(held) },
        fingerprints: new Map(correlators.map(({ rule, fingerprint }) => [rule, fingerprint])),
      };
    })();
  }

  keep(
    trail: string,
    entries: number,
    changes: SavedDetector<CorrelatorChanges>,
    fingerprints: ReadonlyMap<string, string>,
  ): void {
    const drop = this.#statements.prepare(
      'DELETE FROM correlation_group WHERE trail = ? AND rule = ? AND key = ?',
    );
    const put = this.#statements.prepare(
      'INSERT INTO correlation_group (trail, rule, key, held) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET held = excluded.held',
    );
    this.#db.transaction(() => {
      this.#keepRules(trail, fingerprints, changes.watermarkMs);
      for (const [rule, { groups, gone }] of changes.correlators) {
        for (const key of gone) drop.run(trail, rule, key);
        for (const [key, window] of groups) put.run(trail, rule, key, JSON.stringify(window));
      }
      this.#statements
        .prepare(
          `INSERT INTO snapshot (trail, entries, watermark_ms, waiting) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET entries = excluded.entries, watermark_ms = excluded.watermark_ms, waiting = excluded.waiting`,
        )
        .run(trail, entries, changes.watermarkMs, JSON.stringify(changes.waiting));
      // The state that is kept has come by them.
      this.#statements.prepare('DELETE FROM tick WHERE trail = ? AND entries <= ?').run(trail, entries);
    })();
  }

  between(trail: string, rule: string, fromMs: number, toMs: number): readonly StoredFinding[] {
    return this.#statements
      .prepare<[string, string, number, number], FindingRow>(
        `SELECT * FROM finding WHERE trail = ? AND rule = ? AND start_ms <= ? AND (end_ms IS NULL OR end_ms >= ?)
           AND merged_into IS NULL ORDER BY start_ms, id`,
      )
      .all(trail, rule, toMs, fromMs)
      .map(findingOf);
  }

  findings(trail: string, limit: number): readonly StoredFinding[] {
    return this.#statements
      .prepare<[string, number], FindingRow>(
        'SELECT * FROM finding WHERE trail = ? ORDER BY start_ms DESC, id LIMIT ?',
      )
      .all(trail, limit)
      .map(findingOf);
  }

  /**
   * Keeps which correlations there are, also those of which nothing is known yet. What is kept of ones that are others now,
   * or gone, is dropped, and what they found and was going on has ended: nobody looks for it any more.
   */
  #keepRules(trail: string, fingerprints: ReadonlyMap<string, string>, watermarkMs: number | null): void {
    const rows = this.#statements
      .prepare<[string], { rule: string; fingerprint: string }>(
        'SELECT rule, fingerprint FROM correlation WHERE trail = ?',
      )
      .all(trail);
    const kept = new Set<string>();
    for (const { rule, fingerprint } of rows) {
      kept.add(rule);
      if (fingerprints.get(rule) === fingerprint) continue;
      kept.delete(rule);
      this.#statements.prepare('DELETE FROM correlation_group WHERE trail = ? AND rule = ?').run(trail, rule);
      this.#statements.prepare('DELETE FROM correlation WHERE trail = ? AND rule = ?').run(trail, rule);
      this.#statements
        .prepare(
          'UPDATE finding SET end_ms = max(last_ms, coalesce(?, last_ms)) WHERE trail = ? AND rule = ? AND end_ms IS NULL',
        )
        .run(watermarkMs, trail, rule);
    }
    const put = this.#statements.prepare(
      'INSERT INTO correlation (trail, rule, fingerprint) VALUES (?, ?, ?)',
    );
    for (const [rule, fingerprint] of fingerprints) if (!kept.has(rule)) put.run(trail, rule, fingerprint);
  }
}

/** A row of the table `finding`. */
export const findingOf = (row: FindingRow): StoredFinding => ({
  id: row.id,
  trail: row.trail,
  tenant: row.tenant ?? undefined,
  rule: row.rule,
  kind: row.kind,
  entity: JSON.parse(row.entity) as StoredFinding['entity'],
  startMs: row.start_ms,
  lastMs: row.last_ms,
  endMs: row.end_ms ?? undefined,
  peak: row.peak,
  value: row.value === null ? undefined : (JSON.parse(row.value) as string | number),
  entries: JSON.parse(row.entries) as number[],
  mergedInto: row.merged_into ?? undefined,
});
