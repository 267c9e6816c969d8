import type Database from 'better-sqlite3';
import { addSubjects } from './alert-subjects.ts';
import { migrate } from './migrate.ts';
import { openDurable } from './open-durable.ts';
import { outboxTables } from './outbox.ts';

/** The tables, as they came to be. */
const formats: readonly string[] = [
  `
CREATE TABLE cursor (trail TEXT PRIMARY KEY, entries INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE finding (
  id TEXT PRIMARY KEY, trail TEXT NOT NULL, tenant TEXT, rule TEXT NOT NULL, kind TEXT NOT NULL, entity TEXT NOT NULL,
  start_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, end_ms INTEGER, peak REAL NOT NULL, value TEXT, entries TEXT NOT NULL,
  merged_into TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_start ON finding (trail, start_ms);
CREATE INDEX finding_about ON finding (trail, rule, entity, start_ms);
CREATE TABLE snapshot (
  trail TEXT PRIMARY KEY, entries INTEGER NOT NULL, watermark_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE tick (
  trail TEXT NOT NULL, entries INTEGER NOT NULL, watermark_ms INTEGER NOT NULL, PRIMARY KEY (trail, entries)
) STRICT, WITHOUT ROWID;
CREATE TABLE correlation (
  trail TEXT NOT NULL, rule TEXT NOT NULL, waiting TEXT NOT NULL, fingerprint TEXT NOT NULL, PRIMARY KEY (trail, rule)
) STRICT, WITHOUT ROWID;
CREATE TABLE correlation_group (
  trail TEXT NOT NULL, rule TEXT NOT NULL, key TEXT NOT NULL, held TEXT NOT NULL, PRIMARY KEY (trail, rule, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE alert (
  id TEXT PRIMARY KEY, revision INTEGER NOT NULL UNIQUE, "group" TEXT NOT NULL, trail TEXT NOT NULL, tenant TEXT,
  rule TEXT NOT NULL, title TEXT NOT NULL, level INTEGER NOT NULL, status TEXT NOT NULL, disposition TEXT, assignee TEXT,
  first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, opened_ms INTEGER NOT NULL, acknowledged_ms INTEGER, resolved_ms INTEGER, body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_opened ON alert (opened_ms, id);
CREATE INDEX alert_group ON alert ("group", opened_ms);
CREATE INDEX alert_unresolved ON alert (trail, rule) WHERE status <> 'resolved';
CREATE TABLE membership (
  finding TEXT PRIMARY KEY, alert TEXT NOT NULL, is_merged INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_alert ON membership (alert);
CREATE TABLE step (seq INTEGER PRIMARY KEY, alert TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX step_alert ON step (alert, seq);
CREATE TABLE notice (
  alert TEXT NOT NULL, channel TEXT NOT NULL, due_ms INTEGER, told_ms INTEGER, told_findings INTEGER NOT NULL,
  PRIMARY KEY (alert, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_due ON notice (due_ms) WHERE due_ms IS NOT NULL;
CREATE TABLE silence (id TEXT PRIMARY KEY, ends_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX silence_ends ON silence (ends_ms);
CREATE TABLE act (seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT;
CREATE TABLE rule_file (id TEXT PRIMARY KEY, yaml TEXT NOT NULL, changed_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE rule_choice (rule TEXT PRIMARY KEY, is_enabled INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`,
  outboxTables,
  `
CREATE TABLE alert_subject (
  trail TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, alert TEXT NOT NULL, PRIMARY KEY (trail, kind, value, alert)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_subject_alert ON alert_subject (alert);
${addSubjects('TRUE')};
`,
  // What waits for the watermark is taken from the log again. What was kept of correlations before is of another form.
  `
ALTER TABLE correlation DROP COLUMN waiting;
ALTER TABLE snapshot ADD COLUMN waiting TEXT NOT NULL DEFAULT '[]';
`,
  // Findings as a backfill has made them: whoever follows the log again comes to others, and changes nothing of these.
  'ALTER TABLE finding ADD COLUMN is_settled INTEGER NOT NULL DEFAULT 0;',
  // What is not resolved is walked by channels that do not know of it.
  "CREATE INDEX alert_unresolved_opened ON alert (opened_ms, id) WHERE status <> 'resolved'",
];

/**
 * Opens `detection.db`: what detection has found and where it is, which the log tells again, and what people have said of
 * it, which it does not: rules, alerts, silences, channels.
 *
 * @throws SealtrailError storage_unavailable | data_folder_invalid
 */
export function openDetectionDatabase(file: string): Database.Database {
  return openDurable(file, (db) => migrate(db, formats));
}
