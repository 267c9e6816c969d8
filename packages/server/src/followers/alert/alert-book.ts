import { createHash } from 'node:crypto';
import { type Alert, type AlertAction, type AlertStep, type Entity, SealtrailError } from '@sealtrail/core';
import { deterministicId } from '../../access/deterministic-id.ts';
import type { Issuer } from '../../access/issue-token.ts';
import type { ActStore, AlertStore, Level, StoredAlert, StoredFinding } from '../../detection-ports.ts';
import { isoTime } from '../../iso-time.ts';

/** What alerts take over from a rule. */
export interface AlertRule {
  readonly title: string;
  readonly level: Level;
  readonly tags: readonly string[];
  readonly risk: number;
}

/** Whom entries tell of. */
export interface Parties {
  readonly actors: readonly string[];
  readonly addresses: readonly string[];
}

/** What the entries of a finding tell. */
export interface Told extends Parties {
  /** When the first of them happened, in milliseconds since 1970; undefined without any. */
  readonly firstMs: number | undefined;
}

/** How an alert has changed. */
export type AlertChange = 'opened' | 'grown' | 'shrunk' | 'step' | 'reopened';

export interface AlertBookParts {
  readonly store: AlertStore;
  readonly acts: ActStore;
  readonly now: () => number;
  /** Undefined for a rule that is gone. */
  readonly ruleOf: (key: string) => AlertRule | undefined;
  readonly read: (trail: string, entries: readonly number[]) => Told;
  /** Told of an alert that is new, or has changed, in the same transaction. */
  readonly onChange: (alert: StoredAlert, change: AlertChange) => void;
  /** Event time without findings after which the next one begins a new alert; default a day. */
  readonly quietMs?: number;
}

const defaultQuietMs = 86_400_000;
/** Entries shown of an alert: so many of the first, and as many of the last. */
const shownEntries = 5;
const maxParties = 10;
const withdrawnNote = 'Events came late. In the order in which they happened nothing is found.';
const goesOnNote = (resolved: string): string =>
  `Events came late. What was found is one with what ${resolved} was about, which is resolved. It goes on here.`;
const bySystem: Issuer = { actor: { type: 'system' } };

/**
 * Groups findings into alerts by rule and entity, and keeps what people do with them. Whoever calls has a transaction open:
 * findings, alerts and what is told of them are durable together.
 */
export class AlertBook {
  readonly #parts: AlertBookParts;
  #revision: number;

  constructor(parts: AlertBookParts) {
    this.#parts = parts;
    this.#revision = parts.store.revision();
  }

  /** The number of the last change. */
  get revision(): number {
    return this.#revision;
  }

  /** Begins again from what is kept: after a transaction that came to nothing. */
  reset(): void {
    this.#revision = this.#parts.store.revision();
  }

  /** Puts findings, new or amended, into alerts. */
  take(findings: readonly StoredFinding[]): void {
    for (const finding of findings) if (finding.mergedInto === undefined) this.#takeOne(finding);
    const byId = new Map(findings.map((finding) => [finding.id, finding]));
    for (const finding of findings)
      if (finding.mergedInto !== undefined) this.#merge(finding, byId.get(finding.mergedInto));
  }

  /**
   * A step of an alert's life.
   *
   * @throws SealtrailError alert_not_found; alert_not_open where the alert is not in a state for it; invalid_body
   */
  act(id: string, action: AlertAction, by: Issuer): StoredAlert {
    const alert = this.#parts.store.get(id);
    if (alert === undefined) throw new SealtrailError('alert_not_found');
    return this.#step(alert, { ...this.#changesOf(alert, action) }, action, by);
  }

  #takeOne(finding: StoredFinding): void {
    const { store } = this.#parts;
    const rule = this.#parts.ruleOf(finding.rule);
    const known = store.membership(finding.id);
    if (known !== undefined) {
      const alert = store.get(known.alert)!;
      // What goes on after it was resolved is somebody's business again.
      const goesOn =
        alert.resolvedAt !== null && (known.isMerged || finding.lastMs > Date.parse(alert.resolvedAt));
      if (goesOn && rule !== undefined) this.#open(finding, rule, alert);
      else if (known.isMerged) {
        // It was withdrawn, and counts again.
        store.putMembership(finding.id, alert.id, false);
        this.#grow(alert, finding, 1, rule?.risk ?? 0);
      } else this.#grow(alert, finding, 0, 0);
      return;
    }
    if (rule === undefined || rule.level === 'informational') return;
    const quietMs = this.#parts.quietMs ?? defaultQuietMs;
    const group = groupOf(finding);
    // What has been dealt with takes nothing new: that is for somebody to look at.
    const near = store.near(group, finding.startMs - quietMs, finding.lastMs + quietMs);
    if (near !== undefined) {
      store.putMembership(finding.id, near.id, false);
      this.#grow(near, finding, 1, rule.risk);
    } else this.#open(finding, rule, store.latest(group));
  }

  #open(finding: StoredFinding, rule: AlertRule, before: StoredAlert | undefined): void {
    const { store, read, now } = this.#parts;
    const told = read(finding.trail, finding.entries);
    const at = isoTime(now());
    const { title, level, tags, risk } = rule;
    const alert: StoredAlert = {
      id: alertIdOf(finding.id, before?.id),
      revision: this.#nextRevision(),
      group: groupOf(finding),
      trail: finding.trail,
      tenant: finding.tenant ?? null,
      rule: { key: finding.rule, title },
      level,
      tags: [...tags],
      entity: finding.entity,
      ...withParties({ actors: [], addresses: [] }, told),
      status: 'open',
      ...{ assignee: null, disposition: null, duplicateOf: null },
      findings: 1,
      risk,
      entries: [...finding.entries],
      firstEventAt: isoTime(Math.min(finding.startMs, told.firstMs ?? finding.startMs)),
      lastEventAt: isoTime(finding.lastMs),
      openedAt: at,
      changedAt: at,
      ...{ acknowledgedAt: null, resolvedAt: null },
    };
    store.put(alert);
    store.putMembership(finding.id, alert.id, false);
    store.addStep(alert.id, {
      at,
      action: 'open',
      ...{ by: null, note: null, assignee: null, disposition: null },
    });
    this.#parts.acts.add({
      id: deterministicId(`alert.open ${alert.id}`),
      time: at,
      action: 'alert.open',
      category: 'detection',
      severity: level,
      actor: { type: 'system' },
      targets: [{ type: 'alert', id: alert.id, name: title.slice(0, 256) }],
      metadata: { rule: finding.rule, trail: finding.trail, finding: finding.id },
      ...(finding.tenant !== undefined && { tenant: finding.tenant }),
    });
    this.#parts.onChange(alert, 'opened');
  }

  /** @param findings how many more they are; @param risk how many more points */
  #grow(alert: StoredAlert, finding: StoredFinding, findings: number, risk: number): void {
    const { store, read, now } = this.#parts;
    const entries = [...new Set([...alert.entries, ...finding.entries])].sort((a, b) => a - b);
    const parties: Parties =
      findings > 0 && (alert.actors.length < maxParties || alert.addresses.length < maxParties)
        ? read(finding.trail, finding.entries)
        : { actors: [], addresses: [] };
    const grown: StoredAlert = {
      ...alert,
      ...withParties(alert, parties),
      revision: this.#nextRevision(),
      findings: alert.findings + findings,
      risk: alert.risk + risk,
      entries:
        entries.length > 2 * shownEntries
          ? [...entries.slice(0, shownEntries), ...entries.slice(-shownEntries)]
          : entries,
      firstEventAt: isoTime(Math.min(Date.parse(alert.firstEventAt), finding.startMs)),
      lastEventAt: isoTime(Math.max(Date.parse(alert.lastEventAt), finding.lastMs)),
      changedAt: isoTime(now()),
    };
    store.put(grown);
    this.#parts.onChange(grown, 'grown');
  }

  /**
   * A finding that turned out to be a part of another one, or none, counts no more. An alert of nothing else is a duplicate of
   * one that is not resolved; otherwise it stays: late events can be made up, so that it is for somebody to say.
   *
   * @param whole what it is a part of, where that was told along with it
   */
  #merge(finding: StoredFinding, whole: StoredFinding | undefined): void {
    const { store } = this.#parts;
    const known = store.membership(finding.id);
    if (known === undefined || known.isMerged) return;
    store.putMembership(finding.id, known.alert, true);
    const alert = store.get(known.alert)!;
    const isWithdrawn = finding.mergedInto === finding.id;
    const other = isWithdrawn ? undefined : store.membership(finding.mergedInto!);
    const into = other && store.get(other.alert)!;
    const isDone = into?.status === 'resolved' && alert.status !== 'resolved';
    if (isDone && !other!.isMerged) this.#goOn(alert, into, finding.mergedInto!, whole);
    else if (alert.findings > 1 || isWithdrawn || isDone) this.#shrink(alert, finding);
    else if (into !== undefined && into.id !== alert.id && alert.status !== 'resolved') {
      const action: AlertAction = { action: 'resolve', disposition: 'duplicate', duplicateOf: into.id };
      this.#step(alert, this.#changesOf(alert, action), action, bySystem);
    }
  }

  /** One of its findings is a part of one that is resolved: that one is in its place from now on, and counts as it did. */
  #goOn(alert: StoredAlert, resolved: StoredAlert, id: string, whole: StoredFinding | undefined): void {
    this.#parts.store.putMembership(id, alert.id, false);
    const action: AlertAction = { action: 'note', note: goesOnNote(resolved.id) };
    const noted = this.#step(alert, {}, action, bySystem);
    if (whole !== undefined) this.#grow(noted, whole, 0, 0);
  }

  #shrink(alert: StoredAlert, finding: StoredFinding): void {
    const { store, ruleOf, now } = this.#parts;
    const shrunk: StoredAlert = {
      ...alert,
      risk: Math.max(0, alert.risk - (ruleOf(finding.rule)?.risk ?? 0)),
      findings: alert.findings - 1,
      revision: this.#nextRevision(),
      changedAt: isoTime(now()),
    };
    store.put(shrunk);
    this.#parts.onChange(shrunk, 'shrunk');
    if (shrunk.findings === 0) this.#step(shrunk, {}, { action: 'note', note: withdrawnNote }, bySystem);
  }

  #changesOf(alert: StoredAlert, action: AlertAction): Partial<StoredAlert> {
    const at = isoTime(this.#parts.now());
    const isResolved = alert.status === 'resolved';
    const wrong = (): SealtrailError =>
      new SealtrailError('alert_not_open', `the alert is ${alert.status}; ${action.action} is not for it`);
    switch (action.action) {
      case 'acknowledge':
        if (alert.status !== 'open') throw wrong();
        return { status: 'acknowledged', acknowledgedAt: alert.acknowledgedAt ?? at };
      case 'assign':
        if (isResolved) throw wrong();
        return {
          status: 'assigned',
          assignee: action.assignee,
          acknowledgedAt: alert.acknowledgedAt ?? at,
        };
      case 'resolve': {
        if (isResolved) throw wrong();
        const { disposition, duplicateOf } = action;
        this.#assertDuplicate(alert, action);
        return { status: 'resolved', resolvedAt: at, disposition, duplicateOf: duplicateOf ?? null };
      }
      case 'reopen':
        if (!isResolved) throw wrong();
        return { status: 'open', resolvedAt: null, disposition: null, duplicateOf: null };
      case 'note':
        return {};
    }
  }

  #assertDuplicate(
    alert: StoredAlert,
    { disposition, duplicateOf }: Extract<AlertAction, { action: 'resolve' }>,
  ): void {
    if (duplicateOf === undefined) return;
    if (disposition !== 'duplicate')
      throw new SealtrailError('invalid_body', '/duplicateOf: expected the disposition duplicate beside it');
    const other = this.#parts.store.get(duplicateOf);
    if (other === undefined || other.id === alert.id || other.trail !== alert.trail)
      throw new SealtrailError('invalid_body', '/duplicateOf: expected another alert of the same trail');
  }

  #step(alert: StoredAlert, changes: Partial<StoredAlert>, action: AlertAction, by: Issuer): StoredAlert {
    const { store, acts, now } = this.#parts;
    const at = isoTime(now());
    const changed: StoredAlert = { ...alert, ...changes, revision: this.#nextRevision(), changedAt: at };
    const step: AlertStep = {
      at,
      action: action.action,
      by: by.actor?.id ?? null,
      note: ('note' in action ? action.note : undefined) ?? null,
      assignee: 'assignee' in action ? action.assignee : null,
      disposition: 'disposition' in action ? action.disposition : null,
    };
    store.put(changed);
    store.addStep(alert.id, step);
    acts.add({
      id: deterministicId(`alert.${action.action} ${alert.id} ${changed.revision}`),
      time: at,
      action: `alert.${action.action}`,
      category: 'detection',
      ...by,
      targets: [{ type: 'alert', id: alert.id, name: alert.rule.title.slice(0, 256) }],
      metadata: {
        rule: alert.rule.key,
        trail: alert.trail,
        ...(step.note !== null && { note: step.note }),
        ...(step.assignee !== null && { assignee: step.assignee }),
        ...(step.disposition !== null && { disposition: step.disposition }),
        ...(changed.duplicateOf !== null && { duplicateOf: changed.duplicateOf }),
      },
      ...(alert.tenant !== null && { tenant: alert.tenant }),
    });
    if (action.action !== 'note')
      this.#parts.onChange(changed, action.action === 'reopen' ? 'reopened' : 'step');
    return changed;
  }

  #nextRevision(): number {
    this.#revision++;
    return this.#revision;
  }
}

/** What findings have to have in common. */
const groupOf = ({ trail, tenant, rule, entity }: StoredFinding): string =>
  JSON.stringify([trail, tenant ?? null, rule, Object.entries(entity).sort(([a], [b]) => (a < b ? -1 : 1))]);

/** An alert's id follows from the finding that it begins with, and the alert that the finding was in before. */
function alertIdOf(finding: string, before: string | undefined): string {
  const digest = createHash('sha256')
    .update(`sealtrail/alert/v1\0${JSON.stringify([finding, before ?? null])}`)
    .digest('hex');
  return `alr_${digest.slice(0, 24)}`;
}

function withParties(alert: Parties, more: Parties): Pick<Alert, 'actors' | 'addresses'> {
  const joined = (a: readonly string[], b: readonly string[]): string[] =>
    [...new Set([...a, ...b])].slice(0, maxParties);
  return {
    actors: joined(alert.actors, more.actors),
    addresses: joined(alert.addresses, more.addresses),
  };
}

/** Whether two alerts are about the same: what their entities have in common agrees, or their parties meet. */
export function shareEntity(
  a: Pick<StoredAlert, 'entity' | 'actors' | 'addresses'>,
  b: Pick<StoredAlert, 'entity' | 'actors' | 'addresses'>,
): boolean {
  const common = Object.keys(a.entity).filter((field) => Object.hasOwn(b.entity, field));
  if (common.length > 0) return common.every((field) => sameValue(a.entity, b.entity, field));
  return a.actors.some((id) => b.actors.includes(id)) || a.addresses.some((ip) => b.addresses.includes(ip));
}

const sameValue = (a: Entity, b: Entity, field: string): boolean => a[field] === b[field];
