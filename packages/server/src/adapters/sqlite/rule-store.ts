import type Database from 'better-sqlite3';
import type { RuleStore, StoredRuleFile } from '../../detection-ports.ts';

/** Rule files and choices about rules, in a detection database. */
export class SqliteRuleStore implements RuleStore {
  readonly #db: Database.Database;

  constructor(db: Database.Database) {
    this.#db = db;
  }

  files(): readonly StoredRuleFile[] {
    return this.#db
      .prepare<[], StoredRuleFile>('SELECT id, yaml, changed_ms AS changedMs FROM rule_file ORDER BY id')
      .all();
  }

  putFile({ id, yaml, changedMs }: StoredRuleFile): void {
    this.#db
      .prepare(
        'INSERT INTO rule_file (id, yaml, changed_ms) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET yaml = excluded.yaml, changed_ms = excluded.changed_ms',
      )
      .run(id, yaml, changedMs);
  }

  removeFile(id: string): void {
    this.#db.prepare('DELETE FROM rule_file WHERE id = ?').run(id);
  }

  choices(): ReadonlyMap<string, boolean> {
    const rows = this.#db
      .prepare<[], [string, number]>('SELECT rule, is_enabled FROM rule_choice')
      .raw()
      .all();
    return new Map(rows.map(([rule, isEnabled]) => [rule, isEnabled === 1]));
  }

  putChoice(rule: string, isEnabled: boolean | undefined): void {
    if (isEnabled === undefined) this.#db.prepare('DELETE FROM rule_choice WHERE rule = ?').run(rule);
    else
      this.#db
        .prepare(
          'INSERT INTO rule_choice (rule, is_enabled) VALUES (?, ?) ON CONFLICT DO UPDATE SET is_enabled = excluded.is_enabled',
        )
        .run(rule, Number(isEnabled));
  }
}
