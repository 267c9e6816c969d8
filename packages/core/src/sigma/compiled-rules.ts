import { type AgentClassifier, agentClassifier } from '../user-agent/agent-classifier.ts';
import { planWindows } from './correlate/window-plan.ts';
import type { LoadedCorrelation, LoadedRule, LoadedRules } from './load.ts';
import { RuleSet } from './rule-set.ts';

/** Where a match of a rule goes: a correlation and the place of the rule in its list. */
export interface Feed {
  readonly to: number;
  readonly place: number;
}

/** A rule of which a finding weighs something, with the fields by which such correlations group. */
export interface RiskFeed {
  readonly to: number;
  readonly fields: readonly string[];
}

/** Rules made ready for detectors: what any number of logs share. Used by one thread at a time. */
export class CompiledRules {
  readonly rules: readonly LoadedRule[];
  readonly correlations: readonly LoadedCorrelation[];
  readonly ruleSet: RuleSet;
  /** By the number of a rule, and of a correlation: where its matches go, by their own time. */
  readonly ruleFeeds: readonly (readonly Feed[])[];
  readonly correlationFeeds: readonly (readonly Feed[])[];
  /** By the number of a rule: where its matches go by the time of their receipt. */
  readonly heardFeeds: readonly (readonly Feed[])[];
  /** Correlations that add up what findings weigh, and what findings weigh, by the number of a rule, and of a correlation. */
  readonly riskFeeds: readonly RiskFeed[];
  readonly rulePoints: readonly number[];
  readonly correlationPoints: readonly number[];
  /**
   * By the number of a rule, and of a correlation: whether it is a finding by itself. What correlations are over is none,
   * unless one of them generates it, or it says so itself.
   */
  readonly isRuleFinding: readonly boolean[];
  readonly isCorrelationFinding: readonly boolean[];
  /** By the number of a correlation: whether it is over other ones. */
  readonly isOuter: readonly boolean[];
  /** By the number of a correlation: whether its time is that of receipt. */
  readonly isHeard: readonly boolean[];
  /** By the number of a correlation: whether what it finds can depend on the first event of a group. */
  readonly isClosed: readonly boolean[];
  /** What needs to be known of a user agent: shared, since it is the same for all logs. */
  readonly classifyAgent: AgentClassifier = agentClassifier();

  /** @throws RuleError */
  constructor({ rules, correlations }: Pick<LoadedRules, 'rules' | 'correlations'>) {
    this.rules = rules;
    this.correlations = correlations;
    this.ruleSet = new RuleSet(
      rules.map(({ document, detection }) => ({ logsource: document.logsource, detection })),
    );
    const feedsOf = ({ key }: { readonly key: string }): Feed[] =>
      correlations.flatMap(({ rules: names }, to) =>
        names.flatMap((name, place) => (name === key ? [{ to, place }] : [])),
      );
    const plans = correlations.map(({ document }) => planWindows(document.correlation));
    this.isHeard = plans.map(({ isHeard }) => isHeard === true);
    this.isClosed = plans.map(({ isClosed }) => isClosed === true);
    const feeds = rules.map(feedsOf);
    this.ruleFeeds = feeds.map((list) => list.filter(({ to }) => !this.isHeard[to]));
    this.heardFeeds = feeds.map((list) => list.filter(({ to }) => this.isHeard[to]));
    this.correlationFeeds = correlations.map(feedsOf);
    const isFinding = ({ document }: LoadedRule | LoadedCorrelation, feeds: readonly Feed[]): boolean =>
      document.header.sealtrail?.finding ??
      (feeds.length === 0 || feeds.some(({ to }) => correlations[to]!.document.correlation.generate));
    this.isRuleFinding = rules.map((rule, number) => isFinding(rule, feeds[number]!));
    this.isCorrelationFinding = correlations.map((rule, number) =>
      isFinding(rule, this.correlationFeeds[number]!),
    );
    const inner = new Set(correlations.map(({ key }) => key));
    const isRisk = ({ document }: LoadedCorrelation): boolean => document.correlation.type === 'risk';
    this.isOuter = correlations.map((rule) => isRisk(rule) || rule.rules.some((key) => inner.has(key)));
    this.riskFeeds = correlations.flatMap((rule, to) =>
      isRisk(rule) ? [{ to, fields: rule.document.correlation.groupBy }] : [],
    );
    const pointsOf = ({ document }: LoadedRule | LoadedCorrelation): number =>
      this.riskFeeds.length === 0 ? 0 : (document.header.sealtrail?.risk ?? 0);
    this.rulePoints = rules.map((rule, number) => (this.isRuleFinding[number] ? pointsOf(rule) : 0));
    this.correlationPoints = correlations.map((rule, number) =>
      this.isCorrelationFinding[number] && !isRisk(rule) && !this.isHeard[number] ? pointsOf(rule) : 0,
    );
  }
}
