import { SealtrailError } from '@sealtrail/core';
import { CompiledRules } from '@sealtrail/core/sigma';
import { deterministicId } from '../../access/deterministic-id.ts';
import type {
  Act,
  ActStore,
  AlertQuery,
  AlertStore,
  DetectionStore,
  RuleStore,
} from '../../detection-ports.ts';
import { isoTime } from '../../iso-time.ts';
import type { LogReader } from '../../ports.ts';
import { fingerprintsOf } from '../../rules/fingerprint.ts';
import { RuleCatalog, type RuleCatalogParts } from '../../rules/rule-catalog.ts';
import { RuleDesk } from '../../rules/rule-desk.ts';
import { ActFlusher } from '../alert/act-flusher.ts';
import { AlertBook } from '../alert/alert-book.ts';
import { AlertDesk } from '../alert/alert-desk.ts';
import { Notifier, type NotifierParts } from '../alert/notifier.ts';
import { Silences } from '../alert/silences.ts';
import { DetectFollower, type DetectFollowerParts } from './detect-follower.ts';
import type { ProgressCalls } from './detection-calls.ts';
import type { DetectionCounts } from './protocol.ts';
import { readEntries } from './read-entries.ts';
import { settle } from './reconcile.ts';
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

/** Detection as a whole: follows the log with the rules that are enabled, groups findings into alerts, tells channels. */
export class Detection implements ProgressCalls, AsyncDisposable {
  readonly alerts: AlertDesk;
  readonly rules: RuleDesk;
  readonly #parts: DetectionParts;
  readonly #catalog: RuleCatalog;
  readonly #notifier: Notifier;
  readonly #book: AlertBook;
  readonly #acts: ActFlusher;
  readonly #follower: DetectFollower;
  readonly #ticking: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  /** How far channels have caught up; undefined: with all. A start begins, as another one may have been stopped midway. */
  #catchingUp: { readonly before: AlertQuery['before'] } | undefined = { before: undefined };
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
    this.alerts = new AlertDesk({
      ...{ store: alerts, book: this.#book, notifier: this.#notifier },
      silences: new Silences({ ...{ store: alerts, acts, now }, newId: () => newId('sil_') }),
      change: (work) => this.#change(work),
    });
    this.rules = new RuleDesk({
      ...{ catalog: this.#catalog, acts, now },
      newId: () => newId('act_'),
      change: (work) => this.#changeRules(work),
    });
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

  counts(): Omit<DetectionCounts, 'waiting' | 'dead'> {
    const { acts, log } = this.#parts;
    const { entries, late, gaveUp } = this.#follower.totals;
    const behind = log
      .trails()
      .reduce((sum, { name, size }) => sum + size - this.#follower.progress(name).entries, 0);
    return {
      ...{ entries, behind, lateEvents: late, gaveUp },
      ...{ openedAlerts: this.#openedAlerts, waitingActs: acts.count() },
    };
  }

  status(): ReturnType<ProgressCalls['status']> {
    const { log, latenessMs } = this.#parts;
    const enabled = this.#catalog.list().filter(({ isEnabled }) => isEnabled).length;
    return {
      trails: log.trails().map(({ name, size }) => {
        const { entries, completeMs, late } = this.#follower.progress(name);
        const completeUntil = completeMs === undefined ? null : isoTime(completeMs);
        return { trail: name, size, entries, completeUntil, late };
      }),
      rules: { enabled, disabled: this.#catalog.list().length - enabled },
      faults: this.#catalog.faults.map(({ file, line, column, message }) => ({
        ...{ file, line, column, message },
      })),
      latenessMs,
    };
  }

  /** Tells channels, one of which has changed, of what is open and they do not know of: of a part now, then by the timer. */
  catchUpChannels(): void {
    this.#catchingUp = { before: undefined };
    this.#tellDue();
  }

  addFindings(
    ...[{ trail, since, until }, { digest, found: inOrder }, by]: Parameters<ProgressCalls['addFindings']>
  ): ReturnType<ProgressCalls['addFindings']> {
    const { findings, acts, now, newId } = this.#parts;
    return this.#change(() => {
      if (digest !== this.#catalog.digest)
        throw new SealtrailError('overloaded', 'rules have changed meanwhile', { retryAfterSeconds: 1 });
      const { changed, counts, leftOut } = settle(findings, trail, inOrder);
      this.#book.take(changed);
      acts.add({
        id: deterministicId(`detection.backfill ${newId('act_')}`),
        time: isoTime(now()),
        action: 'detection.backfill',
        category: 'configuration',
        ...by,
        targets: [{ type: 'trail', id: trail }],
        metadata: { since, until, ...counts },
      });
      return { ...counts, leftOut };
    });
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

  /** Looks at notices again when the next one is due, and at once where channels are catching up. */
  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const nextMs = this.#catchingUp ? 0 : this.#parts.alerts.nextNoticeMs();
    if (nextMs === undefined) return;
    const waitMs = Math.min(Math.max(0, nextMs - this.#parts.now()), maxTimerMs);
    this.#timer = setTimeout(() => this.#tellDue(), waitMs);
  }

  #tellDue(): void {
    try {
      const from = this.#catchingUp;
      const before = this.#change(() => from && this.#notifier.catchUp(from.before));
      this.#catchingUp = before && { before };
      this.#schedule();
    } catch (error) {
      this.#parts.onError(error);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#tellDue(), retryMs);
    }
  }
}
