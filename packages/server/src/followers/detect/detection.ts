import { createHash } from 'node:crypto';
import { type Alert, SealtrailError } from '@sealtrail/core';
import { CompiledRules } from '@sealtrail/core/sigma';
import { deterministicId } from '../../access/deterministic-id.ts';
import type { Issuer } from '../../access/issue-token.ts';
import { systemTrail } from '../../access/permissions.ts';
import type {
  Act,
  ActStore,
  AlertStore,
  DetectionStore,
  RuleStore,
  StoredAlert,
  StoredFinding,
} from '../../detection-ports.ts';
import type { LogReader } from '../../ports.ts';
import { fingerprintsOf } from '../../rules/fingerprint.ts';
import { RuleCatalog, type RuleCatalogParts } from '../../rules/rule-catalog.ts';
import { ActFlusher } from '../alert/act-flusher.ts';
import { AlertBook } from '../alert/alert-book.ts';
import { Notifier, type NotifierParts } from '../alert/notifier.ts';
import { Silences } from '../alert/silences.ts';
import { decodeAlertCursor, encodeAlertCursor } from './alert-cursor.ts';
import { DetectFollower, type DetectFollowerParts } from './detect-follower.ts';
import type { AlertScope, DetectionCalls } from './detection-calls.ts';
import type { DetectionCounts } from './protocol.ts';
import { readEntries } from './read-entries.ts';
import type { FollowedRules } from './trail-detection.ts';

export interface DetectionParts {
  readonly log: DetectFollowerParts['log'];
  readonly reader: LogReader;
  /** Runs work as one durable transaction over all stores; what is thrown in it undoes it. */
  readonly transaction: <T>(work: () => T) => T;
  readonly findings: DetectionStore;
  readonly alerts: AlertStore;
  readonly acts: ActStore;
  readonly rules: RuleStore;
  readonly builtIn: RuleCatalogParts['builtIn'];
  readonly channels: Pick<NotifierParts, 'channels' | 'enqueue'>;
  readonly latenessMs: number;
  /** Undefined: nobody knows where addresses are. */
  readonly locate: DetectFollowerParts['locate'];
  readonly spillOf: DetectFollowerParts['spillOf'];
  readonly now: () => number;
  /** Makes an id out of a prefix, such as `sil_`, and something random. */
  readonly newId: (prefix: string) => string;
  /** Puts acts into the trail `system`; resolves when they are durable. */
  readonly record: (acts: readonly Act[]) => Promise<void>;
  /** Told when alerts have changed: the number of the last change. */
  readonly onAlerts: (revision: number) => void;
  /** Told when notifications have been put on their way. */
  readonly onNotifications: () => void;
  readonly onError: (error: unknown) => void;
}

/** Longest wait of a timer between two looks at what is due. */
const maxTimerMs = 3_600_000;
const retryMs = 1000;
/** How often time goes on where nothing comes. */
const tickMs = 1000;
const findingsShown = 100;
/** Entries of a finding. */
const maxEntries = 16;

/** Detection as a whole: follows the log with the rules that are enabled, groups findings into alerts, tells channels. */
export class Detection implements DetectionCalls, AsyncDisposable {
  readonly #parts: DetectionParts;
  readonly #catalog: RuleCatalog;
  readonly #notifier: Notifier;
  readonly #book: AlertBook;
  readonly #silences: Silences;
  readonly #acts: ActFlusher;
  readonly #follower: DetectFollower;
  readonly #ticking: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #toldRevision: number;
  #openedAlerts = 0;
  #isClosed = false;

  constructor(parts: DetectionParts) {
    this.#parts = parts;
    const { alerts, acts, now, newId } = parts;
    this.#catalog = new RuleCatalog({
      builtIn: parts.builtIn,
      store: parts.rules,
      now,
      newFileId: () => newId('rul_'),
      hasLocations: parts.locate !== undefined,
    });
    this.#notifier = new Notifier({
      ...parts.channels,
      store: alerts,
      inhibitors: (rule) => this.#catalog.inhibitorsOf(rule),
      now,
    });
    this.#book = new AlertBook({
      ...{ store: alerts, acts, now },
      ruleOf: (key) => this.#catalog.alertRuleOf(key),
      read: (trail, entries) => readEntries(parts.reader, trail, entries),
      onChange: (alert, change) => {
        if (change === 'opened') this.#openedAlerts++;
        this.#notifier.changed(alert, change);
      },
    });
    this.#toldRevision = this.#book.revision;
    this.#silences = new Silences({ ...{ store: alerts, acts, now }, newId: () => newId('sil_') });
    this.#acts = new ActFlusher(acts, parts.record);
    this.#follower = new DetectFollower({
      ...{ log: parts.log, reader: parts.reader, store: parts.findings, latenessMs: parts.latenessMs },
      ...{ locate: parts.locate, spillOf: parts.spillOf, now },
      rules: this.#followedRules(),
      onCommit: (findings) => {
        this.#book.take(findings);
        this.#notifier.notifyDue();
      },
      onFindings: () => this.#changed(),
      onError: (error) => {
        this.#book.reset();
        parts.onError(error);
      },
    });
    this.#ticking = setInterval(() => this.#follower.tick(now()), tickMs);
    this.#changed();
  }

  /** Brings acts that are kept into the trail `system`. @throws what keeps them from being there */
  flushActs(): Promise<void> {
    return this.#acts.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#ticking);
    clearTimeout(this.#timer);
    await this.#follower[Symbol.asyncDispose]();
  }

  counts(): DetectionCounts {
    const { entries, late, gaveUp } = this.#follower.totals;
    return { entries, lateEvents: late, gaveUp, openedAlerts: this.#openedAlerts };
  }

  status(): ReturnType<DetectionCalls['status']> {
    const { log, reader, latenessMs } = this.#parts;
    const enabled = this.#catalog.list().filter(({ isEnabled }) => isEnabled).length;
    return {
      trails: log.trails().map(({ name }) => {
        const { entries, completeMs, late } = this.#follower.progress(name);
        const completeUntil = completeMs === undefined ? null : iso(completeMs);
        return { trail: name, size: reader.size(name), entries, completeUntil, late };
      }),
      rules: { enabled, disabled: this.#catalog.list().length - enabled },
      faults: this.#catalog.faults.map(({ file, line, column, message }) => ({
        ...{ file, line, column, message },
      })),
      latenessMs,
    };
  }

  listAlerts(
    ...[query, cursor]: Parameters<DetectionCalls['listAlerts']>
  ): ReturnType<DetectionCalls['listAlerts']> {
    const { limit } = query;
    const before = cursor === undefined ? undefined : decodeAlertCursor(cursor);
    const found = this.#parts.alerts.list({ ...query, before, limit: limit + 1 });
    const page = found.slice(0, limit);
    return {
      alerts: page.map((alert) => this.#notifier.shown(alert)),
      nextCursor: found.length > limit ? encodeAlertCursor(page[page.length - 1]!) : null,
    };
  }

  getAlert(id: string, scope: AlertScope): ReturnType<DetectionCalls['getAlert']> {
    const { alerts } = this.#parts;
    const alert = this.#reached(id, scope);
    return {
      alert: this.#notifier.shown(alert),
      steps: [...alerts.steps(id)],
      findings: alerts
        .findingsOf(id, findingsShown)
        .map(({ id: finding, rule, kind, startMs, lastMs, endMs, peak, value, entries }) => ({
          ...{ id: finding, rule, kind, peak, value: value ?? null },
          startedAt: iso(startMs),
          lastAt: iso(lastMs),
          endedAt: endMs === undefined ? null : iso(endMs),
          entries: [...entries],
        })),
    };
  }

  actOnAlert(...[id, action, by, scope]: Parameters<DetectionCalls['actOnAlert']>): Alert {
    const alert = this.#change(() => {
      this.#reached(id, scope);
      if (action.action === 'resolve' && action.duplicateOf !== undefined)
        this.#reached(action.duplicateOf, scope);
      const changed = this.#book.act(id, action, by);
      // Alerts that this one stood for are told of now.
      if (changed.status === 'resolved') this.#notifier.unmute();
      return changed;
    });
    return this.#notifier.shown(alert);
  }

  changedAlerts(...[revision, query]: Parameters<DetectionCalls['changedAlerts']>): readonly Alert[] {
    return this.#parts.alerts.changedAfter(revision, query).map((alert) => this.#notifier.shown(alert));
  }

  alertRevision(): number {
    return this.#book.revision;
  }

  alertStats(...[query]: Parameters<DetectionCalls['alertStats']>): ReturnType<DetectionCalls['alertStats']> {
    const counts = this.#parts.alerts.stats(query);
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

  /** Tells channels, one of which has changed, of what is open and they do not know of. */
  catchUpChannels(): void {
    this.#change(() => this.#notifier.catchUp());
  }

  listSilences(): ReturnType<DetectionCalls['listSilences']> {
    return this.#silences.list();
  }

  createSilence(
    ...[silence, by]: Parameters<DetectionCalls['createSilence']>
  ): ReturnType<DetectionCalls['createSilence']> {
    return this.#change(() => this.#silences.create(silence, by));
  }

  endSilence(id: string, by: Issuer): ReturnType<DetectionCalls['endSilence']> {
    return this.#change(() => {
      const silence = this.#silences.end(id, by);
      this.#notifier.unmute();
      return silence;
    });
  }

  listRules(): ReturnType<DetectionCalls['listRules']> {
    return this.#catalog.list();
  }

  getRule(key: string): ReturnType<DetectionCalls['getRule']> {
    return this.#catalog.get(key);
  }

  validateRules(yaml: string): ReturnType<DetectionCalls['validateRules']> {
    return this.#catalog.validate(yaml);
  }

  createRules(yaml: string, by: Issuer): ReturnType<DetectionCalls['createRules']> {
    return this.#changeRules(() => {
      const rules = this.#catalog.create(yaml);
      this.#addRuleAct(
        'rule.create',
        rules.map(({ key }) => key),
        by,
        { sha256: sha256(yaml), yaml },
      );
      return rules;
    });
  }

  replaceRules(key: string, yaml: string, by: Issuer): ReturnType<DetectionCalls['replaceRules']> {
    return this.#changeRules(() => {
      const rules = this.#catalog.replace(key, yaml);
      this.#addRuleAct(
        'rule.update',
        rules.map((rule) => rule.key),
        by,
        { sha256: sha256(yaml), yaml },
      );
      return rules;
    });
  }

  removeRules(key: string, by: Issuer): ReturnType<DetectionCalls['removeRules']> {
    return this.#changeRules(() => {
      const { yaml } = this.#catalog.get(key);
      const keys = this.#catalog.remove(key);
      this.#addRuleAct('rule.delete', keys, by, { sha256: sha256(yaml) });
      return keys;
    });
  }

  enableRule(key: string, by: Issuer): ReturnType<DetectionCalls['enableRule']> {
    return this.#changeRules(() => {
      const rule = this.#catalog.enable(key);
      this.#addRuleAct('rule.enable', [rule.key], by, {});
      return rule;
    });
  }

  disableRule(key: string, reason: string, by: Issuer): ReturnType<DetectionCalls['disableRule']> {
    return this.#changeRules(() => {
      const rule = this.#catalog.disable(key);
      this.#addRuleAct('rule.disable', [rule.key], by, { reason });
      return rule;
    });
  }

  rulesForBacktest(key: string | undefined): ReturnType<DetectionCalls['rulesForBacktest']> {
    return this.#catalog.forBacktest(key);
  }

  addFindings(
    ...[{ trail, since, until }, found, by]: Parameters<DetectionCalls['addFindings']>
  ): ReturnType<DetectionCalls['addFindings']> {
    const { findings, acts, now, newId } = this.#parts;
    return this.#change(() => {
      const amended: StoredFinding[] = [];
      const added: StoredFinding[] = [];
      for (const finding of found) {
        const [known] = findings.overlapping(finding);
        if (known === undefined) added.push(finding);
        else if (isMore(finding, known)) amended.push(joined(known, finding));
      }
      findings.commit(trail, { cursor: findings.cursor(trail), findings: [...added, ...amended] });
      this.#book.take([...added, ...amended]);
      const counts = { added: added.length, amended: amended.length };
      acts.add({
        id: deterministicId(`detection.backfill ${newId('act_')}`),
        time: iso(now()),
        action: 'detection.backfill',
        category: 'configuration',
        ...by,
        targets: [{ type: 'trail', id: trail }],
        metadata: { since, until, ...counts },
      });
      return counts;
    });
  }

  /** An alert that is there and within reach. */
  #reached(id: string, { trails, tenants, hidesSystem }: AlertScope): StoredAlert {
    const alert = this.#parts.alerts.get(id);
    const isReached =
      alert !== undefined &&
      (trails === undefined || trails.includes(alert.trail)) &&
      !(hidesSystem && alert.trail === systemTrail) &&
      (tenants === undefined || (alert.tenant !== null && tenants.includes(alert.tenant)));
    if (!isReached) throw new SealtrailError('alert_not_found');
    return alert;
  }

  #followedRules(): FollowedRules {
    const active = this.#catalog.active();
    return { compiled: new CompiledRules(active), fingerprints: fingerprintsOf(active) };
  }

  /** One transaction, with what it is to tell channels. */
  #change<T>(work: () => T): T {
    try {
      const result = this.#parts.transaction(() => {
        const done = work();
        this.#notifier.notifyDue();
        return done;
      });
      this.#changed();
      return result;
    } catch (error) {
      this.#book.reset();
      throw error;
    }
  }

  #changeRules<T>(work: () => T): T {
    try {
      return this.#change(() => {
        const result = work();
        // What cannot be compiled is not kept.
        this.#follower.reload(this.#followedRules());
        return result;
      });
    } catch (error) {
      this.#catalog.reload();
      this.#follower.reload(this.#followedRules());
      throw error;
    }
  }

  #addRuleAct(
    action: string,
    keys: readonly string[],
    by: Issuer,
    metadata: Readonly<Record<string, string>>,
  ): void {
    const { acts, now, newId } = this.#parts;
    acts.add({
      id: deterministicId(`${action} ${newId('act_')}`),
      time: iso(now()),
      action,
      category: 'configuration',
      ...by,
      targets: keys.slice(0, 64).map((key) => ({ type: 'rule', id: key.slice(0, 256) })),
      ...(Object.keys(metadata).length > 0 && { metadata: bounded(metadata) }),
    });
  }

  /** What is to happen once something has been committed. */
  #changed(): void {
    const { onAlerts, onNotifications } = this.#parts;
    if (this.#book.revision > this.#toldRevision) {
      this.#toldRevision = this.#book.revision;
      onAlerts(this.#toldRevision);
    }
    onNotifications();
    this.#flushInBackground();
    this.#schedule();
  }

  #flushInBackground(): void {
    this.#acts.flush().catch((error: unknown) => {
      if (this.#isClosed) return;
      this.#parts.onError(error);
      setTimeout(() => this.#flushInBackground(), retryMs).unref();
    });
  }

  /** Looks at notices again when the next one is due. */
  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const nextMs = this.#parts.alerts.nextNoticeMs();
    if (nextMs === undefined) return;
    const waitMs = Math.min(Math.max(0, nextMs - this.#parts.now()), maxTimerMs);
    this.#timer = setTimeout(() => this.#tellDue(), waitMs);
  }

  #tellDue(): void {
    try {
      this.#change(() => {});
    } catch (error) {
      this.#parts.onError(error);
      this.#timer = setTimeout(() => this.#tellDue(), retryMs);
    }
  }
}

/** Whether a finding says more than one that overlaps it. */
const isMore = (finding: StoredFinding, known: StoredFinding): boolean =>
  finding.startMs < known.startMs || finding.lastMs > known.lastMs || finding.peak > known.peak;

/** One finding out of two that overlap, under the name of the one that is there. */
const joined = (known: StoredFinding, more: StoredFinding): StoredFinding => ({
  ...known,
  startMs: Math.min(known.startMs, more.startMs),
  lastMs: Math.max(known.lastMs, more.lastMs),
  peak: Math.max(known.peak, more.peak),
  entries: [...new Set([...known.entries, ...more.entries])].sort((a, b) => a - b).slice(0, maxEntries),
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The text of a rule as far as an entry of the trail `system` has room for it. */
const bounded = (metadata: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, value.slice(0, 16_384)]));

const iso = (ms: number): string => new Date(ms).toISOString();
