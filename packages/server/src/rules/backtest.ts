import type { Backtest, Entity } from '@sealtrail/core';
import { CompiledRules, Detector, type Locate } from '@sealtrail/core/sigma';
import type { StoredFinding } from '../detection-ports.ts';
import { inputOf } from '../followers/detect/entry-views.ts';
import { findingOfEpisode, findingOfMatch } from '../followers/detect/finding.ts';
import type { LogReader } from '../ports.ts';
import { indexOfTime } from './index-of-time.ts';
import type { RunnableRules } from './rules-alone.ts';

/** A part of history, and what to hold against it. */
export interface BacktestOptions {
  readonly reader: LogReader;
  readonly trail: string;
  readonly rules: RunnableRules;
  /** By the time of receipt, in milliseconds since 1970: from, and up to but without. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly latenessMs: number;
  readonly locate?: Locate | undefined;
  /** Told of entries looked at and entries in all; false ends it there. */
  readonly onProgress?: (done: number, total: number) => boolean;
  readonly onFinding?: (finding: StoredFinding) => void;
}

const entriesPerPass = 1024;
const groupsShown = 20;
/** Groups counted one by one; of a rule that finds more than that nobody looks at the top ones. */
const maxGroups = 100_000;
/** As long without a finding, and the next one begins a new alert. */
const quietMs = 86_400_000;

interface Counted {
  readonly rule: string;
  readonly entity: Entity;
  findings: number;
  lastMs: number;
}

/** Holds rules against a part of history: what they would have found, and how many alerts that would have made. */
export function backtest(options: BacktestOptions): Backtest {
  const { reader, trail, rules, sinceMs, untilMs, latenessMs, locate, onProgress, onFinding } = options;
  const detector = new Detector(new CompiledRules(rules), { latenessMs, locate });
  const from = indexOfTime(reader, trail, sinceMs);
  const to = indexOfTime(reader, trail, untilMs);
  /** Of correlations the last state, since they are told of as they go. */
  const findings = new Map<string, StoredFinding>();
  /** Told of already: what has ended may be told of again. */
  const settled = new Set<string>();
  const keep = (finding: StoredFinding): void => {
    findings.delete(finding.id);
    if (settled.has(finding.id)) return;
    if (finding.mergedInto === undefined) findings.set(finding.id, finding);
  };
  const result = { findings: 0, alerts: 0, late: 0 };
  const perDay = new Map<string, number>();
  const groups = new Map<string, Counted>();
  const count = (finding: StoredFinding): void => {
    result.findings++;
    onFinding?.(finding);
    const key = JSON.stringify([finding.tenant, finding.rule, finding.entity]);
    let group = groups.get(key);
    const isNew = group === undefined || finding.startMs - group.lastMs > quietMs;
    if (isNew) {
      result.alerts++;
      const day = new Date(finding.startMs).toISOString().slice(0, 10);
      perDay.set(day, (perDay.get(day) ?? 0) + 1);
    }
    if (group === undefined) {
      if (groups.size >= maxGroups) groups.delete(groups.keys().next().value!);
      group = { rule: finding.rule, entity: finding.entity, findings: 0, lastMs: finding.lastMs };
      groups.set(key, group);
    }
    group.findings++;
    group.lastMs = Math.max(group.lastMs, finding.lastMs);
  };
  /** What can change no more: it ended before what is still to come. */
  const settle = (all: boolean): void => {
    const done = [...findings.values()].filter(
      ({ endMs }) => all || (endMs !== undefined && endMs <= detector.watermarkMs),
    );
    for (const finding of done.sort((a, b) => a.startMs - b.startMs)) {
      findings.delete(finding.id);
      settled.add(finding.id);
      count(finding);
    }
  };
  let next = from;
  let goesOn = true;
  while (next < to && goesOn) {
    const end = Math.min(to, next + entriesPerPass);
    const first = next;
    const inputs = reader.entries(trail, first, end).map((bytes, i) => inputOf(bytes, first + i));
    const { matches, episodes, late } = detector.take(inputs);
    for (const match of matches) count(findingOfMatch(trail, match));
    for (const episode of episodes) keep(findingOfEpisode(trail, episode));
    result.late += late;
    next = end;
    settle(false);
    goesOn = onProgress?.(next - from, to - from) ?? true;
  }
  // What waits for the end of a time that has not come by then is nothing yet.
  for (const episode of detector.finish(Math.min(untilMs, detector.watermarkMs + latenessMs)))
    keep(findingOfEpisode(trail, episode));
  settle(true);
  return {
    trail,
    since: new Date(sinceMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    entries: next - from,
    isWhole: next >= to,
    ...result,
    alertsPerDay: [...perDay].sort(([a], [b]) => (a < b ? -1 : 1)).map(([day, alerts]) => ({ day, alerts })),
    groups: [...groups.values()]
      .sort((a, b) => b.findings - a.findings)
      .slice(0, groupsShown)
      .map(({ rule, entity, findings: found }) => ({ rule, entity, findings: found })),
  };
}
