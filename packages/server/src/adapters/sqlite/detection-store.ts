import type { CorrelatorChanges, SavedDetector } from '@sealtrail/core/sigma';
import type Database from 'better-sqlite3';
import type { DetectionStore, StoredFinding } from '../../ports.ts';
import { migrate } from './migrate.ts';
import { openDurable } from './open-durable.ts';

/** The tables, as they came to be. */
const formats: readonly string[] = [
  `
CREATE TABLE cursor (trail TEXT PRIMARY KEY, entries INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE finding (
  id TEXT PRIMARY KEY, trail TEXT NOT NULL, tenant TEXT, rule TEXT NOT NULL, kind TEXT NOT NULL, "group" TEXT NOT NULL,
  start_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, end_ms INTEGER, peak REAL NOT NULL, entries TEXT NOT NULL,
  merged_into TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_start ON finding (trail, start_ms);
CREATE TABLE snapshot (
  trail TEXT PRIMARY KEY, entries INTEGER NOT NULL, watermark_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE correlation (
  trail TEXT NOT NULL, rule TEXT NOT NULL, waiting TEXT NOT NULL, PRIMARY KEY (trail, rule)
) STRICT, WITHOUT ROWID;
CREATE TABLE correlation_group (
  trail TEXT NOT NULL, rule TEXT NOT NULL, key TEXT NOT NULL, held TEXT NOT NULL, PRIMARY KEY (trail, rule, key)
) STRICT, WITHOUT ROWID;
`,
];

interface FindingRow {
  readonly id: string;
  readonly trail: string;
  readonly tenant: string | null;
  readonly rule: string;
  readonly kind: StoredFinding['kind'];
  readonly group: string;
  readonly start_ms: number;
  readonly last_ms: number;
  readonly end_ms: number | null;
  readonly peak: number;
  readonly entries: string;
  readonly merged_into: string | null;
}

/** What detection knows, in SQLite: `detection.db`. */
export class SqliteDetectionStore implements DetectionStore {
  readonly #db: Database.Database;

  /** @throws SealtrailError storage_unavailable | data_folder_invalid */
  constructor(file: string) {
    this.#db = openDurable(file, (db) => migrate(db, formats));
  }

  cursor(trail: string): number {
    const entries = this.#db.prepare('SELECT entries FROM cursor WHERE trail = ?').pluck().get(trail);
    return (entries as number | undefined) ?? 0;
  }

  commit(trail: string, cursor: number, findings: readonly StoredFinding[]): void {
    const put = this.#db.prepare(
      `INSERT INTO finding (id, trail, tenant, rule, kind, "group", start_ms, last_ms, end_ms, peak, entries, merged_into)
       VALUES (@id, @trail, @tenant, @rule, @kind, @group, @startMs, @lastMs, @endMs, @peak, @entries, @mergedInto)
       ON CONFLICT DO UPDATE SET start_ms = excluded.start_ms, last_ms = excluded.last_ms, end_ms = excluded.end_ms,
         peak = excluded.peak, entries = excluded.entries, merged_into = excluded.merged_into`,
    );
    this.#db.transaction(() => {
      for (const finding of findings)
        put.run({
          ...finding,
          tenant: finding.tenant ?? null,
          group: JSON.stringify(finding.group),
          endMs: finding.endMs ?? null,
          entries: JSON.stringify(finding.entries),
          mergedInto: finding.mergedInto ?? null,
        });
      this.#db
        .prepare(
          'INSERT INTO cursor (trail, entries) VALUES (?, ?) ON CONFLICT DO UPDATE SET entries = excluded.entries',
        )
        .run(trail, cursor);
    })();
  }

  snapshot(trail: string): { readonly entries: number; readonly state: SavedDetector } | undefined {
    return this.#db.transaction(() => {
      const row = this.#db
        .prepare<[string], { entries: number; watermark_ms: number | null }>(
          'SELECT entries, watermark_ms FROM snapshot WHERE trail = ?',
        )
        .get(trail);
      if (row === undefined) return undefined;
      const groups = this.#db
        .prepare<[string, string], [string, string]>(
          'SELECT key, held FROM correlation_group WHERE trail = ? AND rule = ?',
        )
        .raw();
      const correlators = this.#db
        .prepare<[string], { rule: string; waiting: string }>(
          'SELECT rule, waiting FROM correlation WHERE trail = ?',
        )
        .all(trail)
        .map(({ rule, waiting }) => {
          const held = groups.all(trail, rule).map(([key, text]) => [key, JSON.parse(text)] as const);
          return [rule, { groups: held, waiting: JSON.parse(waiting) }] as const;
        });
      return {
        entries: row.entries,
        state: { watermarkMs: row.watermark_ms, correlators: new Map(correlators) },
      };
    })();
  }

  keep(trail: string, entries: number, changes: SavedDetector<CorrelatorChanges>): void {
    const drop = this.#db.prepare('DELETE FROM correlation_group WHERE trail = ? AND rule = ? AND key = ?');
    const put = this.#db.prepare(
      'INSERT INTO correlation_group (trail, rule, key, held) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET held = excluded.held',
    );
    const putRule = this.#db.prepare(
      'INSERT INTO correlation (trail, rule, waiting) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET waiting = excluded.waiting',
    );
    this.#db.transaction(() => {
      for (const [rule, { groups, gone, waiting }] of changes.correlators) {
        putRule.run(trail, rule, JSON.stringify(waiting));
        for (const key of gone) drop.run(trail, rule, key);
        for (const [key, window] of groups) put.run(trail, rule, key, JSON.stringify(window));
      }
      this.#db
        .prepare(
          'INSERT INTO snapshot (trail, entries, watermark_ms) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET entries = excluded.entries, watermark_ms = excluded.watermark_ms',
        )
        .run(trail, entries, changes.watermarkMs);
    })();
  }

  findings(trail: string, limit: number): readonly StoredFinding[] {
    return this.#db
      .prepare<[string, number], FindingRow>(
        'SELECT * FROM finding WHERE trail = ? ORDER BY start_ms DESC, id LIMIT ?',
      )
      .all(trail, limit)
      .map(findingOf);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

const findingOf = (row: FindingRow): StoredFinding => ({
  id: row.id,
  trail: row.trail,
  tenant: row.tenant ?? undefined,
  rule: row.rule,
  kind: row.kind,
  group: JSON.parse(row.group) as StoredFinding['group'],
  startMs: row.start_ms,
  lastMs: row.last_ms,
  endMs: row.end_ms ?? undefined,
  peak: row.peak,
  entries: JSON.parse(row.entries) as number[],
  mergedInto: row.merged_into ?? undefined,
});
