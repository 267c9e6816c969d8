export type { CorrelatorChanges, Group, GroupValue } from './correlate/correlator.ts';
export type { Episode } from './correlate/episode.ts';
export {
  CompiledRules,
  Detector,
  type DetectorInput,
  type DetectorOptions,
  type DetectorOutput,
  type EpisodeFinding,
  type MatchFinding,
  type SavedDetector,
  type SourcedEvent,
} from './detector.ts';
export { fieldValues, type RuleEvent } from './event-fields.ts';
export { eventTimeOf } from './event-time.ts';
export { type Explanation, explain } from './explain.ts';
export { type Lint, lintRules } from './lint.ts';
export {
  type LoadedCorrelation,
  type LoadedRule,
  type LoadedRules,
  type LoadFault,
  loadRules,
  type RuleSource,
} from './load.ts';
export type { Position, RuleFault } from './rule-error.ts';
export type { CorrelationRule, DetectionRule, FilterRule, RuleDocument } from './rule-file.ts';
export { type Logsource, levels, type RuleHeader, type RuleTest } from './rule-schema.ts';
export { type RuleTestFailure, runRuleTests } from './rule-tests.ts';
