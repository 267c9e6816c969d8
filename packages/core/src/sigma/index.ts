export {
  type Agent,
  type AgentClassifier,
  type AgentKind,
  agentClassifier,
  automatedKinds,
} from '../user-agent/agent-classifier.ts';
export { CompiledRules } from './compiled-rules.ts';
export { type CorrelatorChanges, type Group, memoryOf } from './correlate/correlator.ts';
export type { Episode } from './correlate/episode.ts';
export type { GroupValue } from './correlate/event-reader.ts';
export type { GroupStore, Spill, StoredGroup } from './correlate/group-store.ts';
export { type SavedWindow, savedForm } from './correlate/window.ts';
export { DerivedFields, derivedFields } from './derived-fields.ts';
export {
  Detector,
  type DetectorInput,
  type DetectorOptions,
  type DetectorOutput,
  type EpisodeFinding,
  type Learner,
  type MatchFinding,
  type SavedDetector,
  type SourcedEvent,
} from './detector.ts';
export { type FieldSource, fieldValues, type RuleEvent } from './event-fields.ts';
export { eventTimeOf } from './event-time.ts';
export { type Explanation, explain } from './explain.ts';
export { type Lint, lintRules } from './lint.ts';
export {
  type LoadedCorrelation,
  type LoadedFilter,
  type LoadedRule,
  type LoadedRules,
  type LoadFault,
  loadRules,
  type RuleSource,
} from './load.ts';
export type { Locate, Location } from './locate.ts';
export type { EventSource } from './logsource.ts';
export type { Position, RuleFault } from './rule-error.ts';
export { type LocationNeed, withoutLocations } from './rule-fields.ts';
export {
  type CorrelationRule,
  type DetectionRule,
  type FilterRule,
  parseRuleFile,
  type RuleDocument,
  type RuleFile,
} from './rule-file.ts';
export { type Logsource, levels, type RuleHeader, type RuleTest } from './rule-schema.ts';
export { type RuleTestFailure, runRuleTests } from './rule-tests.ts';
