import type { Rule, RuleReport } from '@sealtrail/core';
import type { Issuer } from '../access/issue-token.ts';
import type { DetectionAccess } from '../followers/detect/detection-client.ts';
import type { RuleTrials } from './rule-trials.ts';

/**
 * Changes of rules: what is written is tried first, in a thread of its own, and then taken over by detection, which checks
 * that the rules are still those that it was tried with.
 */
export class RuleChanges {
  readonly #detection: DetectionAccess;
  readonly #trials: RuleTrials;

  constructor(detection: DetectionAccess, trials: RuleTrials) {
    this.#detection = detection;
    this.#trials = trials;
  }

  /** What would be said of a rule file if it were added. @throws SealtrailError invalid_rule | overloaded, by rejecting */
  async validate(yaml: string): Promise<RuleReport> {
    const { added } = await this.#detection.call('rulesForTrial', undefined);
    return this.#trials.report(added, yaml, undefined);
  }

  /** @throws SealtrailError invalid_rule | overloaded, by rejecting */
  async create(yaml: string, by: Issuer): Promise<readonly Rule[]> {
    const { added, digest } = await this.#detection.call('rulesForTrial', undefined);
    const found = await this.#trials.report(added, yaml, undefined);
    return this.#detection.call('createRules', yaml, { digest, found }, by);
  }

  /** @throws SealtrailError rule_not_found | rule_built_in | invalid_rule | rule_untested | overloaded, by rejecting */
  async replace(key: string, yaml: string, by: Issuer): Promise<readonly Rule[]> {
    const { added, digest, file } = await this.#detection.call('rulesForTrial', key);
    const found = await this.#trials.report(added, yaml, file);
    return this.#detection.call('replaceRules', key, yaml, { digest, found }, by);
  }

  /** @throws SealtrailError rule_not_found | rule_untested | overloaded, by rejecting */
  async enable(wanted: string, by: Issuer): Promise<Rule> {
    const { added, digest, key } = await this.#detection.call('rulesForTrial', wanted);
    const found = await this.#trials.test(added, key!);
    return this.#detection.call('enableRule', wanted, { digest, found }, by);
  }
}
