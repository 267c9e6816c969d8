import { createHash } from 'node:crypto';
import { type RuleReport, SealtrailError } from '@sealtrail/core';
import { deterministicId } from '../access/deterministic-id.ts';
import type { Issuer } from '../access/issue-token.ts';
import type { ActStore } from '../detection-ports.ts';
import type { RuleCalls, Tried } from '../followers/detect/detection-calls.ts';
import { isoTime } from '../iso-time.ts';
import type { RuleCatalog } from './rule-catalog.ts';

export interface RuleDeskParts {
  readonly catalog: RuleCatalog;
  readonly acts: ActStore;
  readonly now: () => number;
  /** Makes an id: `act_` and something random. */
  readonly newId: () => string;
  /** Runs work as one transaction, and goes on with the rules as they are then; what is thrown undoes it. */
  readonly change: <T>(work: () => T) => T;
}

/** What people ask of rules, and change about them. */
export class RuleDesk implements RuleCalls {
  readonly #parts: RuleDeskParts;

  constructor(parts: RuleDeskParts) {
    this.#parts = parts;
  }

  listRules(): ReturnType<RuleCalls['listRules']> {
    return this.#parts.catalog.list();
  }

  getRule(key: string): ReturnType<RuleCalls['getRule']> {
    return this.#parts.catalog.get(key);
  }

  rulesForBacktest(key: string | undefined): ReturnType<RuleCalls['rulesForBacktest']> {
    return this.#parts.catalog.forBacktest(key);
  }

  rulesForTrial(wanted: string | undefined): ReturnType<RuleCalls['rulesForTrial']> {
    const { catalog } = this.#parts;
    const { key, file } = wanted === undefined ? {} : catalog.get(wanted).rule;
    return { added: catalog.added(), digest: catalog.digest, key, file };
  }

  createRules(yaml: string, tried: Tried<RuleReport>, by: Issuer): ReturnType<RuleCalls['createRules']> {
    const { catalog, change } = this.#parts;
    return change(() => {
      const rules = catalog.create(yaml, this.#current(tried));
      const keys = rules.map(({ key }) => key);
      this.#addAct('rule.create', keys, by, { sha256: sha256(yaml), yaml });
      return rules;
    });
  }

  replaceRules(
    ...[key, yaml, tried, by]: Parameters<RuleCalls['replaceRules']>
  ): ReturnType<RuleCalls['replaceRules']> {
    const { catalog, change } = this.#parts;
    return change(() => {
      const rules = catalog.replace(key, yaml, this.#current(tried));
      const keys = rules.map((rule) => rule.key);
      this.#addAct('rule.update', keys, by, { sha256: sha256(yaml), yaml });
      return rules;
    });
  }

  removeRules(key: string, by: Issuer): ReturnType<RuleCalls['removeRules']> {
    const { catalog, change } = this.#parts;
    return change(() => {
      const { yaml } = catalog.get(key);
      const keys = catalog.remove(key);
      this.#addAct('rule.delete', keys, by, { sha256: sha256(yaml) });
      return keys;
    });
  }

  enableRule(...[key, tried, by]: Parameters<RuleCalls['enableRule']>): ReturnType<RuleCalls['enableRule']> {
    const { catalog, change } = this.#parts;
    return change(() => {
      const rule = catalog.enable(key, this.#current(tried));
      this.#addAct('rule.enable', [rule.key], by, {});
      return rule;
    });
  }

  disableRule(key: string, reason: string, by: Issuer): ReturnType<RuleCalls['disableRule']> {
    const { catalog, change } = this.#parts;
    return change(() => {
      const rule = catalog.disable(key);
      this.#addAct('rule.disable', [rule.key], by, { reason });
      return rule;
    });
  }

  /** What was found, if it still holds. */
  #current<T>({ digest, found }: Tried<T>): T {
    if (digest === this.#parts.catalog.digest) return found;
    throw new SealtrailError('overloaded', 'rules have changed meanwhile', { retryAfterSeconds: 1 });
  }

  #addAct(
    action: string,
    keys: readonly string[],
    by: Issuer,
    metadata: Readonly<Record<string, string>>,
  ): void {
    const { acts, now, newId } = this.#parts;
    acts.add({
      id: deterministicId(`${action} ${newId()}`),
      time: isoTime(now()),
      action,
      category: 'configuration',
      ...by,
      targets: keys.slice(0, 64).map((key) => ({ type: 'rule', id: key.slice(0, 256) })),
      ...(Object.keys(metadata).length > 0 && { metadata: bounded(metadata) }),
    });
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The text of a rule as far as an entry of the trail `system` has room for it. */
const bounded = (metadata: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, value.slice(0, 16_384)]));
