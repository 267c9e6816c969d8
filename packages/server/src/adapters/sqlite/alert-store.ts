import { type AlertStep, severities } from '@sealtrail/core';
import type Database from 'better-sqlite3';
import type {
  AlertCounts,
  AlertQuery,
  AlertStore,
  Level,
  Notice,
  StoredAlert,
  StoredFinding,
  StoredSilence,
} from '../../detection-ports.ts';
import { addSubjects, alertsSharing } from './alert-subjects.ts';
import { type FindingRow, findingOf } from './detection-store.ts';
import { StatementCache } from './statement-cache.ts';

interface NoticeRow {
  readonly alert: string;
  readonly channel: string;
  readonly due_ms: number | null;
  readonly told_ms: number | null;
  readonly told_findings: number;
}

type Parameters = Record<string, string | number>;

/** Alerts, in a detection database. */
export class SqliteAlertStore implements AlertStore {
  readonly #statements: StatementCache;

  constructor(db: Database.Database) {
    this.#statements = new StatementCache(db);
  }

  revision(): number {
    return this.#statements.prepare('SELECT coalesce(max(revision), 0) FROM alert').pluck().get() as number;
  }

  get(id: string): StoredAlert | undefined {
    return this.#one('SELECT body FROM alert WHERE id = ?', id);
  }

  put(alert: StoredAlert): void {
    this.#statements
      .prepare(
        `INSERT INTO alert (id, revision, "group", trail, tenant, rule, title, level, status, disposition, assignee,
           first_ms, last_ms, opened_ms, acknowledged_ms, resolved_ms, body)
         VALUES (@id, @revision, @group, @trail, @tenant, @rule, @title, @level, @status, @disposition, @assignee,
           @firstMs, @lastMs, @openedMs, @acknowledgedMs, @resolvedMs, @body)
         ON CONFLICT DO UPDATE SET revision = excluded.revision, level = excluded.level, status = excluded.status,
           disposition = excluded.disposition, assignee = excluded.assignee, first_ms = excluded.first_ms,
           last_ms = excluded.last_ms,
           acknowledged_ms = excluded.acknowledged_ms, resolved_ms = excluded.resolved_ms, body = excluded.body`,
      )
      .run({
        id: alert.id,
        revision: alert.revision,
        group: alert.group,
        trail: alert.trail,
        tenant: alert.tenant,
        rule: alert.rule.key,
        title: alert.rule.title,
        level: severities.indexOf(alert.level),
        status: alert.status,
        disposition: alert.disposition,
        assignee: alert.assignee,
        firstMs: Date.parse(alert.firstEventAt),
        lastMs: Date.parse(alert.lastEventAt),
        openedMs: Date.parse(alert.openedAt),
        acknowledgedMs: alert.acknowledgedAt === null ? null : Date.parse(alert.acknowledgedAt),
        resolvedMs: alert.resolvedAt === null ? null : Date.parse(alert.resolvedAt),
        body: JSON.stringify(alert),
      });
    this.#statements.prepare('DELETE FROM alert_subject WHERE alert = ?').run(alert.id);
    this.#statements.prepare(addSubjects('alert.id = @id')).run({ id: alert.id });
  }

  latest(group: string): StoredAlert | undefined {
    return this.#one(
      'SELECT body FROM alert WHERE "group" = ? ORDER BY opened_ms DESC, revision DESC LIMIT 1',
      group,
    );
  }

  near(group: string, fromMs: number, toMs: number): StoredAlert | undefined {
    return this.#all(
      `SELECT body FROM alert WHERE "group" = @group AND status <> 'resolved' AND first_ms <= @toMs AND last_ms >= @fromMs
       ORDER BY opened_ms DESC LIMIT 1`,
      { group, fromMs, toMs },
    )[0];
  }

  membership(finding: string): { readonly alert: string; readonly isMerged: boolean } | undefined {
    const row = this.#statements
      .prepare<[string], { alert: string; is_merged: number }>(
        'SELECT alert, is_merged FROM membership WHERE finding = ?',
      )
      .get(finding);
    return row && { alert: row.alert, isMerged: row.is_merged === 1 };
  }

  putMembership(finding: string, alert: string, isMerged: boolean): void {
    this.#statements
      .prepare(
        `INSERT INTO membership (finding, alert, is_merged) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET alert = excluded.alert, is_merged = excluded.is_merged`,
      )
      .run(finding, alert, Number(isMerged));
  }

  findingsOf(alert: string, limit: number): readonly StoredFinding[] {
    return this.#statements
      .prepare<[string, number], FindingRow>(
        `SELECT finding.* FROM membership JOIN finding ON finding.id = membership.finding
         WHERE membership.alert = ? AND is_merged = 0 ORDER BY start_ms DESC, id LIMIT ?`,
      )
      .all(alert, limit)
      .map(findingOf);
  }

  above(
    { trail, level, entity, actors, addresses }: StoredAlert,
    rules: readonly string[],
  ): readonly StoredAlert[] {
    if (rules.length === 0) return [];
    return this.#all(
      `SELECT body FROM alert WHERE id IN (${alertsSharing}) AND level > @level AND status <> 'resolved'
         AND rule IN (SELECT value FROM json_each(@rules)) ORDER BY opened_ms DESC LIMIT 1000`,
      {
        trail,
        level: severities.indexOf(level),
        entity: JSON.stringify(entity),
        actors: JSON.stringify(actors),
        addresses: JSON.stringify(addresses),
        rules: JSON.stringify(rules),
      },
    );
  }

  unresolved(before: AlertQuery['before'], limit: number): readonly StoredAlert[] {
    const place = before ? 'AND (opened_ms, id) < (@beforeMs, @beforeId)' : '';
    return this.#all(
      `SELECT body FROM alert WHERE status <> 'resolved' ${place} ORDER BY opened_ms DESC, id DESC LIMIT @limit`,
      { ...placeOf(before), limit },
    );
  }

  list({ before, limit, ...query }: AlertQuery): readonly StoredAlert[] {
    const [where, parameters] = conditionsOf(query);
    const place = before ? ' AND (opened_ms, id) < (@beforeMs, @beforeId)' : '';
    return this.#all(
      `SELECT body FROM alert WHERE ${where}${place} ORDER BY opened_ms DESC, id DESC LIMIT @limit`,
      {
        ...parameters,
        ...placeOf(before),
        limit,
      },
    );
  }

  changedAfter(
    revision: number,
    { limit, ...query }: Pick<AlertQuery, 'trails' | 'tenants' | 'hidesSystem' | 'minLevel' | 'limit'>,
  ): readonly StoredAlert[] {
    const [where, parameters] = conditionsOf(query);
    return this.#all(
      `SELECT body FROM alert WHERE revision > @revision AND ${where} ORDER BY revision LIMIT @limit`,
      { ...parameters, revision, limit },
    );
  }

  steps(alert: string): readonly AlertStep[] {
    return this.#statements
      .prepare<[string], string>('SELECT body FROM step WHERE alert = ? ORDER BY seq')
      .pluck()
      .all(alert)
      .map((body) => JSON.parse(body as string) as AlertStep);
  }

  addStep(alert: string, step: AlertStep): void {
    this.#statements.prepare('INSERT INTO step (alert, body) VALUES (?, ?)').run(alert, JSON.stringify(step));
  }

  notices(alert: string): readonly Notice[] {
    return this.#statements
      .prepare<[string], NoticeRow>('SELECT * FROM notice WHERE alert = ?')
      .all(alert)
      .map(noticeOf);
  }

  putNotice({ alert, channel, dueMs, toldMs, toldFindings }: Notice): void {
    this.#statements
      .prepare(
        `INSERT INTO notice (alert, channel, due_ms, told_ms, told_findings) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET due_ms = excluded.due_ms, told_ms = excluded.told_ms, told_findings = excluded.told_findings`,
      )
      .run(alert, channel, dueMs ?? null, toldMs ?? null, toldFindings);
  }

  removeNotices(alert: string): void {
    this.#statements.prepare('DELETE FROM notice WHERE alert = ?').run(alert);
  }

  dueNotices(nowMs: number, limit: number): readonly Notice[] {
    return this.#statements
      .prepare<[number, number], NoticeRow>('SELECT * FROM notice WHERE due_ms <= ? ORDER BY due_ms LIMIT ?')
      .all(nowMs, limit)
      .map(noticeOf);
  }

  nextNoticeMs(): number | undefined {
    const next = this.#statements
      .prepare('SELECT min(due_ms) FROM notice WHERE due_ms IS NOT NULL')
      .pluck()
      .get();
    return (next as number | null) ?? undefined;
  }

  silences(): readonly StoredSilence[] {
    return this.#statements
      .prepare<[], string>('SELECT body FROM silence ORDER BY ends_ms DESC, id')
      .pluck()
      .all()
      .map((body) => JSON.parse(body as string) as StoredSilence);
  }

  openSilences(nowMs: number): readonly StoredSilence[] {
    return this.#statements
      .prepare<[number], string>('SELECT body FROM silence WHERE ends_ms > ?')
      .pluck()
      .all(nowMs)
      .map((body) => JSON.parse(body as string) as StoredSilence);
  }

  putSilence(silence: StoredSilence): void {
    this.#statements
      .prepare(
        'INSERT INTO silence (id, ends_ms, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET ends_ms = excluded.ends_ms, body = excluded.body',
      )
      .run(silence.id, Date.parse(silence.endsAt), JSON.stringify(silence));
  }

  stats(query: Omit<AlertQuery, 'limit' | 'before'>): AlertCounts {
    const [where, parameters] = conditionsOf(query);
    const counts = (column: string): [string | number, number][] =>
      this.#statements
        .prepare<[Parameters], [string | number, number]>(
          `SELECT ${column}, count(*) FROM alert WHERE ${where} AND ${column} IS NOT NULL GROUP BY 1`,
        )
        .raw()
        .all(parameters);
    const means = this.#statements
      .prepare<[Parameters], [number | null, number | null, number | null]>(
        `SELECT avg(opened_ms - first_ms), avg(acknowledged_ms - opened_ms), avg(resolved_ms - opened_ms)
         FROM alert WHERE ${where}`,
      )
      .raw()
      .get(parameters)!;
    return {
      byStatus: Object.fromEntries(counts('status')),
      byLevel: Object.fromEntries(
        counts('level').map(([level, count]) => [severities[level as number], count]),
      ),
      byDisposition: Object.fromEntries(counts('disposition')),
      byRule: this.#statements
        .prepare<[Parameters], AlertCounts['byRule'][number]>(
          `SELECT rule, max(title) AS title, count(*) AS alerts, sum(disposition IS 'false_positive') AS falsePositives
           FROM alert WHERE ${where} GROUP BY rule ORDER BY alerts DESC, rule LIMIT 20`,
        )
        .all(parameters),
      meanTimeToDetectMs: means[0],
      meanTimeToAcknowledgeMs: means[1],
      meanTimeToResolveMs: means[2],
    };
  }

  #one(sql: string, parameter: string): StoredAlert | undefined {
    const body = this.#statements.prepare<[string], string>(sql).pluck().get(parameter);
    return body === undefined ? undefined : (JSON.parse(body as string) as StoredAlert);
  }

  #all(sql: string, parameters: Parameters): readonly StoredAlert[] {
    return this.#statements
      .prepare<[Parameters], string>(sql)
      .pluck()
      .all(parameters)
      .map((body) => JSON.parse(body as string) as StoredAlert);
  }
}

const placeOf = (before: AlertQuery['before']): Parameters =>
  before ? { beforeMs: Date.parse(before.openedAt), beforeId: before.id } : {};

/** What a query asks of alerts, as SQL: the texts are ours, what was asked for goes in as parameters. */
function conditionsOf(query: Omit<AlertQuery, 'limit' | 'before'>): [where: string, Parameters] {
  const { statuses, minLevel, rule, assignee, trails, tenants, hidesSystem, sinceMs } = query;
  const lists = { status: statuses, trail: trails, tenant: tenants };
  const listed = Object.entries(lists).flatMap(([column, values]) =>
    values ? [[column, JSON.stringify(values)] as const] : [],
  );
  const level = (name: Level): number => severities.indexOf(name);
  const conditions = [
    'TRUE',
    ...listed.map(([column]) => `${column} IN (SELECT value FROM json_each(@${column}))`),
    ...(hidesSystem ? ["trail <> 'system'"] : []),
    ...(minLevel ? ['level >= @minLevel'] : []),
    ...(rule !== undefined ? ['rule = @rule'] : []),
    ...(assignee !== undefined ? ['assignee = @assignee'] : []),
    ...(sinceMs !== undefined ? ['opened_ms >= @sinceMs'] : []),
  ];
  return [
    conditions.join(' AND '),
    {
      ...Object.fromEntries(listed),
      ...(minLevel && { minLevel: level(minLevel) }),
      ...(rule !== undefined && { rule }),
      ...(assignee !== undefined && { assignee }),
      ...(sinceMs !== undefined && { sinceMs }),
    },
  ];
}

const noticeOf = (row: NoticeRow): Notice => ({
  alert: row.alert,
  channel: row.channel,
  dueMs: row.due_ms ?? undefined,
  toldMs: row.told_ms ?? undefined,
  toldFindings: row.told_findings,
});
