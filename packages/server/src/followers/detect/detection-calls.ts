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
import type { AlertQuery, StoredFinding } from '../../detection-ports.ts';

/** Which alerts somebody may see. Undefined: all. */
export type AlertScope = Pick<AlertQuery, 'trails' | 'tenants' | 'hidesSystem'>;

/** Rules as a backtest takes them: files, and the keys of the rules in them that it is about. */
export interface RulesForBacktest {
  readonly sources: readonly RuleSource[];
  readonly keys: readonly string[];
}

/** What a backfill came to. */
export interface BackfillCounts {
  readonly added: number;
  readonly amended: number;
}

/** What the detect thread does for others, by name. Whatever changes something is answered when it is in `system` too. */
export interface DetectionCalls {
  status(): DetectionStatus;
  /** @throws SealtrailError invalid_cursor */
  listAlerts(query: AlertQuery, cursor: string | undefined): AlertPage;
  /** @throws SealtrailError alert_not_found */
  getAlert(id: string, scope: AlertScope): AlertDetails;
  /** @throws SealtrailError alert_not_found | alert_not_open | invalid_body */
  actOnAlert(id: string, action: AlertAction, by: Issuer, scope: AlertScope): Alert;
  /** Alerts changed after a revision, in the order of their changes. */
  changedAlerts(
    revision: number,
    query: AlertScope & Pick<AlertQuery, 'minLevel' | 'limit'>,
  ): readonly Alert[];
  /** The number of the last change of any alert. */
  alertRevision(): number;
  alertStats(query: Omit<AlertQuery, 'limit' | 'before'>): AlertStats;
  listSilences(): readonly Silence[];
  createSilence(silence: NewSilence, by: Issuer): Silence;
  endSilence(id: string, by: Issuer): Silence;
  listRules(): readonly Rule[];
  getRule(key: string): RuleDetails;
  validateRules(yaml: string): RuleReport;
  createRules(yaml: string, by: Issuer): readonly Rule[];
  replaceRules(key: string, yaml: string, by: Issuer): readonly Rule[];
  removeRules(key: string, by: Issuer): readonly string[];
  enableRule(key: string, by: Issuer): Rule;
  disableRule(key: string, reason: string, by: Issuer): Rule;
  /** Of one rule, or of all that are enabled. */
  rulesForBacktest(key: string | undefined): RulesForBacktest;
  /** Puts findings of a backfill to those that are there: what overlaps is the same, and amended. */
  addFindings(backfill: BackfillRequest, findings: readonly StoredFinding[], by: Issuer): BackfillCounts;
}
