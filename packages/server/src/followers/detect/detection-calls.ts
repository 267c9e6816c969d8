import type {
  Alert,
  AlertAction,
  AlertDetails,
  AlertPage,
  AlertStats,
  BackfillRequest,
  DetectionStatus,
  NewSilence,
  Rule,
  RuleDetails,
  RuleReport,
  Silence,
} from '@sealtrail/core';
import type { RuleSource } from '@sealtrail/core/sigma';
import type { Issuer } from '../../access/issue-token.ts';
import type { AlertQuery } from '../../detection-ports.ts';
import type { InOrder } from '../../rules/find-in-order.ts';
import type { TestResults } from '../../rules/rule-report.ts';

/** Which alerts somebody may see. Undefined: all. */
export type AlertScope = Pick<AlertQuery, 'trails' | 'tenants' | 'hidesSystem'>;

/** Rules as a backtest takes them: files beside those built in, and the keys of the rules that it is about. */
export interface RulesForBacktest {
  readonly added: readonly RuleSource[];
  readonly digest: string;
  readonly keys: readonly string[];
}

/** What a backfill came to. */
export interface BackfillCounts {
  readonly added: number;
  readonly amended: number;
  readonly withdrawn: number;
  /** Keys of correlations that were not exact from the beginning of the part on. */
  readonly leftOut: readonly string[];
}

/** What came of a trial in another thread, and a digest of the rules that there were then. */
export interface Tried<T> {
  readonly digest: string;
  readonly found: T;
}

/** About alerts and silences. Whatever changes something is answered when it is in `system` too. */
export interface AlertCalls {
  /** @throws SealtrailError invalid_cursor */
  listAlerts(query: AlertQuery, cursor: string | undefined): AlertPage;
  /** @throws SealtrailError alert_not_found */
  getAlert(id: string, scope: AlertScope): AlertDetails;
  /** @throws SealtrailError alert_not_found | alert_not_open | invalid_body */
  actOnAlert(id: string, action: AlertAction, by: Issuer, scope: AlertScope): Alert;
  /** Alerts changed after a revision, in the order of their changes; all of them after one that has not been yet. */
  changedAlerts(
    revision: number,
    query: AlertScope & Pick<AlertQuery, 'minLevel' | 'limit'>,
  ): readonly Alert[];
  /** The number of the last change of any alert. */
  alertRevision(): number;
  alertStats(query: Omit<AlertQuery, 'limit' | 'before'>): AlertStats;
  listSilences(): readonly Silence[];
  /** @throws SealtrailError invalid_body */
  createSilence(silence: NewSilence, exceptSystem: boolean, by: Issuer): Silence;
  endSilence(id: string, by: Issuer): Silence;
}

/** About rules. What is written is tried before, elsewhere: see {@link Tried}. */
export interface RuleCalls {
  listRules(): readonly Rule[];
  /** @throws SealtrailError rule_not_found */
  getRule(key: string): RuleDetails;
  /** Rule files beside those built in, and the key and the file of one rule. @throws SealtrailError rule_not_found */
  rulesForTrial(wanted: string | undefined): {
    readonly added: readonly RuleSource[];
    readonly digest: string;
    readonly key: string | undefined;
    readonly file: string | undefined;
  };
  /** @throws SealtrailError invalid_rule | overloaded */
  createRules(yaml: string, tried: Tried<RuleReport>, by: Issuer): readonly Rule[];
  /** @throws SealtrailError rule_not_found | rule_built_in | invalid_rule | rule_untested | overloaded */
  replaceRules(key: string, yaml: string, tried: Tried<RuleReport>, by: Issuer): readonly Rule[];
  /** @throws SealtrailError rule_not_found | rule_built_in | invalid_rule */
  removeRules(key: string, by: Issuer): readonly string[];
  /** @throws SealtrailError rule_not_found | rule_untested | overloaded */
  enableRule(key: string, tried: Tried<TestResults>, by: Issuer): Rule;
  /** @throws SealtrailError rule_not_found */
  disableRule(key: string, reason: string, by: Issuer): Rule;
  /** Of one rule, or of all that are enabled. @throws SealtrailError rule_not_found */
  rulesForBacktest(key: string | undefined): RulesForBacktest;
}

/** About how far detection is. */
export interface ProgressCalls {
  status(): DetectionStatus;
  /** Makes findings those of a part of history in its order: what overlaps is the same, and what is not among them was none. */
  addFindings(backfill: BackfillRequest, tried: Tried<InOrder>, by: Issuer): BackfillCounts;
}

/** What the detect thread does for others, by name. */
export type DetectionCalls = AlertCalls & RuleCalls & ProgressCalls;
