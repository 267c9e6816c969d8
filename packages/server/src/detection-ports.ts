import type {
  Alert,
  AlertStatus,
  AlertStep,
  Disposition,
  Entity,
  Event,
  NewSilence,
  Silence,
} from '@sealtrail/core';
import type { CorrelatorChanges, SavedDetector } from '@sealtrail/core/sigma';
import type { SystemEvent } from './access/system-trail.ts';

export type Level = NonNullable<Event['severity']>;

/** Something that a rule found in a trail. */
export interface StoredFinding {
  /** `fnd_...`: follows from the log and the rule, so what is found again is the same. */
  readonly id: string;
  readonly trail: string;
  readonly tenant: string | undefined;
  readonly rule: string;
  readonly kind: 'match' | 'correlation';
  /** Of whom or what it is: values that the events have in common, by field. */
  readonly entity: Entity;
  /** When it began: the time of the event, or of the one that completed the correlation. In milliseconds since 1970. */
  readonly startMs: number;
  /** Time of the last event that counted. */
  readonly lastMs: number;
  /** When a correlation ceased to hold; undefined while it does. */
  readonly endMs: number | undefined;
  /** The largest number that was measured in one window; 1 of a match. */
  readonly peak: number;
  /** What is new, came again or is missing, where the rule is about a value; it may be personal. */
  readonly value: string | number | undefined;
  /** Indexes of entries that led to it, a few of them. */
  readonly entries: readonly number[];
  /** The finding that it turned out to be a part of, once late events had come; itself when it turned out to be none. */
  readonly mergedInto: string | undefined;
}

/** What a follower came to. */
export interface Found {
  /** Entries that have been looked at. */
  readonly cursor: number;
  readonly findings: readonly StoredFinding[];
  /** Where the clock has moved the watermark, which no entry tells; undefined: nowhere. */
  readonly tickMs?: number | undefined;
  /** Whether findings are what a backfill has made of them: see `isSettled`. */
  readonly isSettled?: boolean;
}

/** The clock moved the watermark when so many entries had been looked at. */
export interface Tick {
  readonly entries: number;
  readonly watermarkMs: number;
}

/** The state of correlations after so many entries. */
export interface Snapshot {
  readonly entries: number;
  readonly state: SavedDetector;
  /** By the keys of correlations: what they were, when this was kept. A state of another one means nothing to it. */
  readonly fingerprints: ReadonlyMap<string, string>;
}

/**
 * What detection knows of trails: findings, how far it is, and the state of correlations. A commit is durable when it
 * returns. One thread writes.
 */
export interface DetectionStore {
  /** Entries of a trail that have been looked at, and whose findings are kept. */
  cursor(trail: string): number;
  /**
   * One transaction: findings, new or amended, and how far they reach.
   *
   * @param within what else is to be written in it, once the findings are
   */
  commit(trail: string, found: Found, within?: () => void): void;
  /** Whether a backfill has had its word on a finding, so that whoever follows the log changes nothing of it. */
  isSettled(finding: string): boolean;
  /** Where the clock has moved the watermark since the last snapshot, by rising entries. */
  ticks(trail: string): readonly Tick[];
  /** The state that correlations had after so many entries, at most `cursor`; undefined when none was kept. */
  snapshot(trail: string): Snapshot | undefined;
  /**
   * One transaction: what has changed since the last snapshot of the trail, which this one takes the place of. What was
   * kept of correlations that are other ones now, or gone, is dropped.
   */
  keep(
    trail: string,
    entries: number,
    changes: SavedDetector<CorrelatorChanges>,
    fingerprints: ReadonlyMap<string, string>,
  ): void;
  /** Findings of a rule that count, and were going on at some time between two, by rising start. */
  between(trail: string, rule: string, fromMs: number, toMs: number): readonly StoredFinding[];
  /** Findings, the newest first. */
  findings(trail: string, limit: number): readonly StoredFinding[];
}

/** An alert as it is kept: what is computed when it is shown is not among it. */
export interface StoredAlert extends Omit<Alert, 'silencedBy' | 'inhibitedBy'> {
  /** What findings have to have in common to be in it: trail, tenant, rule and entity. */
  readonly group: string;
}

export interface AlertQuery {
  readonly statuses?: readonly AlertStatus[] | undefined;
  readonly minLevel?: Level | undefined;
  readonly rule?: string | undefined;
  readonly assignee?: string | undefined;
  /** Undefined: all that there are. */
  readonly trails?: readonly string[] | undefined;
  readonly tenants?: readonly string[] | undefined;
  /** Without those of the trail `system`. */
  readonly hidesSystem?: boolean | undefined;
  readonly sinceMs?: number | undefined;
  /** The last alert of the page before. */
  readonly before?: { readonly openedAt: string; readonly id: string } | undefined;
  readonly limit: number;
}

/** When a channel is to be told of an alert, and what it was told. */
export interface Notice {
  readonly alert: string;
  readonly channel: string;
  /** Undefined: when the alert changes. */
  readonly dueMs: number | undefined;
  /** When it was last told; undefined: never. */
  readonly toldMs: number | undefined;
  /** Findings that the alert had then. */
  readonly toldFindings: number;
}

export type StoredSilence = Omit<Silence, 'state'> & Pick<NewSilence, 'match'>;

/** Alerts and what is about them. Every write is part of the transaction of whoever calls. */
export interface AlertStore {
  /** The number of the last change of any alert. */
  revision(): number;
  get(id: string): StoredAlert | undefined;
  put(alert: StoredAlert): void;
  /** The alert of a group that was opened last. */
  latest(group: string): StoredAlert | undefined;
  /** One of a group that is not resolved, and of which something happened between two times. */
  near(group: string, fromMs: number, toMs: number): StoredAlert | undefined;
  /** The alert that a finding is in, and whether it was merged into another one meanwhile. */
  membership(finding: string): { readonly alert: string; readonly isMerged: boolean } | undefined;
  putMembership(finding: string, alert: string, isMerged: boolean): void;
  findingsOf(alert: string, limit: number): readonly StoredFinding[];
  /**
   * Those not resolved of some rules that have an actor, an address or a value of the entity in common with an alert, and
   * are of a higher level and the same trail: those opened last come first.
   */
  above(alert: StoredAlert, rules: readonly string[]): readonly StoredAlert[];
  /** Those not resolved behind a place, those opened last first: what is resolved is passed over at no cost. */
  unresolved(before: AlertQuery['before'], limit: number): readonly StoredAlert[];
  /** Those opened last come first. */
  list(query: AlertQuery): readonly StoredAlert[];
  /** Those changed after a revision, in the order of their changes. */
  changedAfter(
    revision: number,
    query: Pick<AlertQuery, 'trails' | 'tenants' | 'hidesSystem' | 'minLevel' | 'limit'>,
  ): readonly StoredAlert[];
  steps(alert: string): readonly AlertStep[];
  addStep(alert: string, step: AlertStep): void;
  notices(alert: string): readonly Notice[];
  putNotice(notice: Notice): void;
  removeNotices(alert: string): void;
  dueNotices(nowMs: number, limit: number): readonly Notice[];
  /** When the next one is due; undefined: none is. */
  nextNoticeMs(): number | undefined;
  silences(): readonly StoredSilence[];
  /** Those that have not ended. */
  openSilences(nowMs: number): readonly StoredSilence[];
  putSilence(silence: StoredSilence): void;
  stats(query: Omit<AlertQuery, 'limit' | 'before'>): AlertCounts;
}

/** Sums over alerts. */
export interface AlertCounts {
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byLevel: Readonly<Record<string, number>>;
  readonly byDisposition: Readonly<Partial<Record<Disposition, number>>>;
  readonly byRule: readonly {
    readonly rule: string;
    readonly title: string;
    readonly alerts: number;
    readonly falsePositives: number;
  }[];
  readonly meanTimeToDetectMs: number | null;
  readonly meanTimeToAcknowledgeMs: number | null;
  readonly meanTimeToResolveMs: number | null;
}

/** Something administrative on its way into the trail `system`; its id says which one it is. */
export type Act = SystemEvent & { readonly id: string };

/** Acts that are kept together with what they tell of, until they are in the trail `system`. */
export interface ActStore {
  /** Part of the transaction of whoever calls. */
  add(act: Act): void;
  /** The oldest. */
  waiting(limit: number): readonly { readonly seq: number; readonly act: Act }[];
  count(): number;
  /** Those up to one are in the trail. */
  remove(seq: number): void;
}

/** A rule file that was added to those that are built in. */
export interface StoredRuleFile {
  readonly id: string;
  readonly yaml: string;
  readonly changedMs: number;
}

/** Rule files, and which rules are enabled other than by default. Writes are part of the transaction of whoever calls. */
export interface RuleStore {
  files(): readonly StoredRuleFile[];
  putFile(file: StoredRuleFile): void;
  removeFile(id: string): void;
  /** By the keys of rules. */
  choices(): ReadonlyMap<string, boolean>;
  putChoice(rule: string, isEnabled: boolean | undefined): void;
}
