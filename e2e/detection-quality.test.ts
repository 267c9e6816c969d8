import { beforeAll, describe, expect, it } from 'vitest';
import { type AttackLogs, attackLogs } from './support/detection-quality/attack-logs.ts';
import { isAbsent, records } from './support/detection-quality/corpus.ts';
import { detectionIntents } from './support/detection-quality/detection-intents.ts';
import * as explanations from './support/detection-quality/explanations.ts';
import {
  isLookedFor,
  type LabelledResult,
  labelledEvents,
  measures,
  precision,
  ratesOf,
  recall,
  type SourceName,
} from './support/detection-quality/labelled-events.ts';
import { builtInRules } from './support/detection-quality/pipeline.ts';
import { notPlayed, timedCorrelations } from './support/detection-quality/timed-correlations.ts';
import { userAgents } from './support/detection-quality/user-agents.ts';

// Floors under what docs/detection-quality.md says: `npm run report -- detection-quality` writes it anew.

describe('what rules are said to look for', () => {
  it('is looked for by rules that there are', () => {
    const named = Object.values(detectionIntents).flatMap((intent) =>
      typeof intent === 'string' ? [] : intent,
    );
    expect(named.filter((rule) => !builtInRules().has(rule))).toEqual([]);
  });
});

describe.skipIf(isAbsent)('labelled events of third parties', () => {
  let results: readonly LabelledResult[];
  beforeAll(() => {
    ({ results } = labelledEvents());
  });

  it.each<[SourceName, number, number, number, number]>([
    ['AWS.CloudTrail', 0.77, 0.9, 0.68, 0.78],
    ['Okta.SystemLog', 0.85, 0.9, 0.7, 0.9],
    ['GitHub.Audit', 0.84, 0.9, 0.8, 0.82],
  ])(
    'of %s are found, and others are not',
    (source, recallAsMeant, precisionAsMeant, recallOwn, precisionOwn) => {
      const own = results.filter((result) => result.source === source);
      const asMeant = ratesOf(own.filter(isLookedFor), measures.asMeant);
      const strictly = ratesOf(own, measures.byOwnRules);
      expect(recall(asMeant)).toBeGreaterThanOrEqual(recallAsMeant);
      expect(precision(asMeant)).toBeGreaterThanOrEqual(precisionAsMeant);
      expect(recall(strictly)).toBeGreaterThanOrEqual(recallOwn);
      expect(precision(strictly)).toBeGreaterThanOrEqual(precisionOwn);
    },
  );

  it('come out otherwise for a reason that is written down', () => {
    const unexplained = results.filter(
      ({ id, detection, miss, expected, foundAsMeant }) =>
        (miss === 'otherwise' &&
          explanations.misses[id] === undefined &&
          explanations.misses[detection] === undefined) ||
        (!expected && foundAsMeant && explanations.wronglyFound[id] === undefined),
    );
    expect(unexplained.map(({ id }) => id)).toEqual([]);
    const rules = new Set(results.flatMap(({ expected, otherRules }) => (expected ? [] : otherRules)));
    expect([...rules].filter((rule) => explanations.strictly[rule] === undefined)).toEqual([]);
  });
});

describe.skipIf(isAbsent)('explanations', () => {
  it('are of what comes out otherwise, and of nothing else', () => {
    const { results } = labelledEvents();
    const { attacks, quietAlarms, sideAlarms } = attackLogs();
    const otherwise = results.filter(({ miss }) => miss === 'otherwise');
    const needed = new Set([
      ...otherwise.flatMap(({ id, detection }) => [id, detection]),
      ...results.filter(({ expected, foundAsMeant }) => !expected && foundAsMeant).map(({ id }) => id),
      ...attacks.filter(({ foundBy }) => foundBy.length === 0).map(({ scenario }) => scenario),
      ...[...quietAlarms, ...sideAlarms].map(({ test }) => test),
    ]);
    // A rule for all sources may be explained before it errs.
    const given = [
      explanations.misses,
      explanations.wronglyFound,
      explanations.missedAttacks,
      explanations.otherAlarms,
    ].flatMap((some) => Object.keys(some));
    expect(given.filter((name) => !needed.has(name))).toEqual([]);
  });
});

describe.skipIf(isAbsent)('timed tests of third parties', () => {
  it('come out as expected, but where a rule speaks earlier on purpose', () => {
    const otherwise = timedCorrelations().filter(({ expected, found }) => expected !== found);
    expect(otherwise.filter(({ expected }) => expected)).toEqual([]);
    expect([...new Set(otherwise.map(({ correlation }) => correlation))].sort()).toEqual([
      'AWS.CloudTrail.SES.SESEnumeration',
      'GitHub.Advanced.Security.Change.NOT.FOLLOWED.BY.Repo.Archived',
    ]);
  });

  it('are played, or it is said why not', () => {
    const ours = /^(?:AWS|Okta|GitHub|Potential|Secret)\./;
    const names = records<{ readonly RuleID: string }>('03-panther-labelled-events/correlation_tests.jsonl')
      .map(({ RuleID }) => RuleID)
      .filter((name) => ours.test(name));
    const played = new Set(timedCorrelations().map(({ correlation }) => correlation));
    expect(names.filter((name) => !played.has(name) && notPlayed[name] === undefined)).toEqual([]);
  });
});

describe.skipIf(isAbsent)('attacks in logs of third parties', () => {
  let logs: AttackLogs;
  beforeAll(() => {
    logs = attackLogs();
  });

  it('are found, but for those of which it is said why not', () => {
    const missed = logs.attacks.filter(({ foundBy }) => foundBy.length === 0);
    expect(missed.filter(({ scenario }) => explanations.missedAttacks[scenario] === undefined)).toEqual([]);
    expect(logs.attacks.length).toBeGreaterThan(80);
    expect(missed.length / logs.attacks.length).toBeLessThan(0.08);
  });

  it('are what alarms are about, but for those of which it is said why', () => {
    const alarms = [...logs.quietAlarms, ...logs.sideAlarms];
    expect(alarms.filter(({ test }) => explanations.otherAlarms[test] === undefined)).toEqual([]);
    expect(logs.quietTests).toBeGreaterThan(5);
  });
});

const agents = isAbsent ? undefined : await userAgents();

describe.skipIf(agents === undefined)('labelled user agents of third parties', () => {
  it('are told apart: at least 97 % of bots, at most 0.5 % of browsers', () => {
    const { bots, botsFound, browsers, browsersFlagged } = agents!;
    expect(botsFound / bots).toBeGreaterThanOrEqual(0.97);
    expect(browsersFlagged / browsers).toBeLessThanOrEqual(0.005);
  });
});
