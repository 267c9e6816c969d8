import { createHash } from 'node:crypto';
import { type Rule, type RuleDetails, type RuleReport, SealtrailError } from '@sealtrail/core';
import {
  type LoadedCorrelation,
  type LoadedRule,
  type LoadedRules,
  type LoadFault,
  loadRules,
  parseRuleFile,
  type RuleFile,
  type RuleSource,
  withoutLocations,
} from '@sealtrail/core/sigma';
import type { RuleStore } from '../detection-ports.ts';
import type { AlertRule } from '../followers/alert/alert-book.ts';
import { aboutSystem, inhibitorsOf, innerOf } from './rule-relations.ts';
import { newFaults, type TestResults } from './rule-report.ts';
import { type RunnableRules, rulesAlone } from './rules-alone.ts';

export interface RuleCatalogParts {
  /** Rule files that come with the server; their tests are part of its own. */
  readonly builtIn: readonly RuleSource[];
  readonly store: RuleStore;
  readonly now: () => number;
  /** Makes the name of a rule file: `rul_` and something random. */
  readonly newFileId: () => string;
  /** Whether there is something that says where addresses are. */
  readonly hasLocations: boolean;
}

type AnyRule = LoadedRule | LoadedCorrelation;

/**
 * The rules that there are, built in or added, and which of them are enabled. Changes are part of the transaction of
 * whoever calls, and seen from the call on; `reload` goes back to what is kept.
 */
export class RuleCatalog {
  readonly #parts: RuleCatalogParts;
  #loaded: LoadedRules = { rules: [], correlations: [], filters: [], faults: [] };
  #choices: ReadonlyMap<string, boolean> = new Map();
  /** What the texts of files say: reading them is most of the work. */
  #parsed: ReadonlyMap<string, RuleFile> = new Map();
  /** Text of files, by name. */
  #texts: ReadonlyMap<string, string> = new Map();
  #digest: string | undefined;
  readonly #fileOf: Map<string, string> = new Map();
  readonly #byKey: Map<string, AnyRule> = new Map();
  /** By the key of a rule: the keys of those that stand for it. */
  #inhibitors: ReadonlyMap<string, readonly string[]> = new Map();
  /** By the keys of rules that lack something to find anything: what. */
  #notices: ReadonlyMap<string, string> = new Map();
  /** Keys of rules about the trail `system`. */
  #aboutSystem: ReadonlySet<string> = new Set();
  /** Keys of what only feeds correlations. */
  #inner: ReadonlySet<string> = new Set();

  constructor(parts: RuleCatalogParts) {
    this.#parts = parts;
    this.reload();
  }

  /** Reads what is kept. */
  reload(): void {
    const { builtIn, store } = this.#parts;
    const sources = [...builtIn, ...this.added()].map((source) => this.#read(source));
    this.#parsed = new Map(sources.map(({ text, parsed }) => [text, parsed]));
    this.#texts = new Map(sources.map(({ name, text }) => [name, text]));
    this.#digest = undefined;
    this.#loaded = loadRules(sources);
    const lacking = this.#parts.hasLocations ? [] : withoutLocations(this.#loaded);
    this.#notices = new Map(lacking.map(({ rule, message }) => [rule, message]));
    this.#choices = store.choices();
    this.#index();
  }

  /** What of the rules there are cannot be used, and why. */
  get faults(): readonly LoadFault[] {
    return this.#loaded.faults;
  }

  list(): readonly Rule[] {
    return this.#all().map((rule) => this.#shown(rule));
  }

  get(wanted: string): RuleDetails {
    const rule = this.#find(wanted);
    return { rule: this.#shown(rule), yaml: this.#texts.get(this.#fileOf.get(rule.key)!)! };
  }

  /** Rules that are to run; those that are not enabled, but needed by others, find nothing by themselves. */
  active(): RunnableRules {
    const enabled = new Set(this.#all().flatMap(({ key }) => (this.isEnabled(key) ? [key] : [])));
    return rulesAlone(this.#loaded, enabled, (key) => this.#isFinding(key));
  }

  /** What it takes to try one rule alone, or all that are enabled. @throws SealtrailError rule_not_found */
  forBacktest(wanted: string | undefined): {
    readonly added: readonly RuleSource[];
    readonly digest: string;
    readonly keys: readonly string[];
  } {
    const keys =
      wanted === undefined
        ? this.#all().flatMap(({ key }) => (this.isEnabled(key) ? [key] : []))
        : [this.#find(wanted).key];
    return { added: this.added(), digest: this.digest, keys };
  }

  /** Rule files beside those built in. */
  added(): readonly RuleSource[] {
    return this.#parts.store.files().map(({ id, yaml }) => ({ name: id, text: yaml }));
  }

  /** Says which rule files there are, and what was chosen to be enabled. */
  get digest(): string {
    this.#digest ??= createHash('sha256')
      .update(JSON.stringify([...this.#texts, ...this.#choices]))
      .digest('hex');
    return this.#digest;
  }

  isEnabled(key: string): boolean {
    const chosen = this.#choices.get(key);
    if (chosen !== undefined) return chosen;
    const rule = this.#byKey.get(key);
    const { status } = rule?.document.header ?? {};
    return this.#isBuiltIn(key) && status !== 'deprecated' && status !== 'unsupported';
  }

  alertRuleOf(key: string): AlertRule | undefined {
    const header = this.#byKey.get(key)?.document.header;
    return (
      header && {
        title: header.title,
        level: header.level ?? 'medium',
        tags: header.tags ?? [],
        risk: header.sealtrail?.risk ?? 0,
      }
    );
  }

  inhibitorsOf(key: string): readonly string[] {
    return this.#inhibitors.get(key) ?? [];
  }

  /**
   * Adds a rule file, whose rules are not enabled yet.
   *
   * @param report what was said of it, beside the rules that there are
   * @throws SealtrailError invalid_rule
   */
  create(yaml: string, report: RuleReport): readonly Rule[] {
    const { store, now, newFileId } = this.#parts;
    assertValid(report);
    const files = store.files();
    const bytes = files.reduce((sum, file) => sum + file.yaml.length, yaml.length);
    if (files.length >= maxFiles || bytes > maxTextLength)
      throw new SealtrailError(
        'invalid_rule',
        `expected at most ${maxFiles} rule files, of ${maxTextLength} characters together`,
      );
    store.putFile({ id: newFileId(), yaml, changedMs: now() });
    this.reload();
    return report.rules.map((key) => this.#shown(this.#find(key)));
  }

  /**
   * Puts another text in the place of the file that a rule is in. What is enabled has to pass its tests.
   *
   * @param report what was said of it, in the place of the other
   * @throws SealtrailError rule_not_found | rule_built_in | invalid_rule | rule_untested
   */
  replace(wanted: string, yaml: string, report: RuleReport): readonly Rule[] {
    const { store, now } = this.#parts;
    const { key } = this.#find(wanted);
    const file = this.#customFile(key);
    assertValid(report);
    if (!report.rules.includes(key))
      throw new SealtrailError(
        'invalid_rule',
        `expected the rule ${key} in it; add other rules by themselves`,
      );
    for (const one of report.rules) if (this.#choices.get(one) === true) assertTested(one, report);
    for (const gone of this.#keysIn(file)) if (!report.rules.includes(gone)) store.putChoice(gone, undefined);
    store.putFile({ id: file, yaml, changedMs: now() });
    this.reload();
    return report.rules.map((one) => this.#shown(this.#find(one)));
  }

  /** Removes the file that a rule is in. @throws SealtrailError rule_not_found | rule_built_in | invalid_rule */
  remove(wanted: string): readonly string[] {
    const { store } = this.#parts;
    const file = this.#customFile(this.#find(wanted).key);
    const keys = this.#keysIn(file);
    const rest = loadRules(this.#without(file));
    const [broken] = newFaults(this.#loaded.faults, rest.faults);
    if (broken) throw new SealtrailError('invalid_rule', `another rule needs it: ${broken.message}`);
    for (const key of keys) store.putChoice(key, undefined);
    store.removeFile(file);
    this.reload();
    return keys;
  }

  /**
   * @param results what came of its tests
   * @throws SealtrailError rule_not_found | rule_untested, naming the test that fails
   */
  enable(wanted: string, results: TestResults): Rule {
    const { key } = this.#find(wanted);
    assertTested(key, results);
    return this.#choose(key, true);
  }

  disable(wanted: string): Rule {
    return this.#choose(this.#find(wanted).key, false);
  }

  #read(source: RuleSource): Required<RuleSource> {
    return {
      ...source,
      parsed: source.parsed ?? this.#parsed.get(source.text) ?? parseRuleFile(source.text),
    };
  }

  /** All files but one. */
  #without(file: string | undefined): readonly RuleSource[] {
    return [...this.#texts].flatMap(([name, text]) => (name === file ? [] : [this.#read({ name, text })]));
  }

  #choose(key: string, isEnabled: boolean): Rule {
    this.#parts.store.putChoice(key, isEnabled);
    this.#choices = this.#parts.store.choices();
    this.#digest = undefined;
    return this.#shown(this.#find(key));
  }

  #index(): void {
    this.#fileOf.clear();
    this.#byKey.clear();
    for (const rule of this.#all()) {
      this.#byKey.set(rule.key, rule);
      this.#fileOf.set(rule.key, rule.file);
    }
    this.#inner = innerOf(this.#loaded, (file) => this.#isBuiltInFile(file));
    this.#inhibitors = inhibitorsOf(this.#loaded, (file) => this.#isBuiltInFile(file));
    this.#aboutSystem = aboutSystem(this.#loaded);
  }

  #all(): readonly AnyRule[] {
    return [...this.#loaded.rules, ...this.#loaded.correlations];
  }

  #keysIn(file: string): readonly string[] {
    return [...this.#fileOf].flatMap(([key, name]) => (name === file ? [key] : []));
  }

  #find(wanted: string): AnyRule {
    const rule =
      this.#byKey.get(wanted) ?? this.#all().find(({ document }) => document.header.name === wanted);
    if (rule === undefined) throw new SealtrailError('rule_not_found');
    return rule;
  }

  /** Whether a rule is a finding by itself: it says so, or it is not only there for correlations beside it. */
  #isFinding(key: string): boolean {
    return this.#byKey.get(key)?.document.header.sealtrail?.finding ?? !this.#inner.has(key);
  }

  #isBuiltIn(key: string): boolean {
    return this.#isBuiltInFile(this.#fileOf.get(key) ?? '');
  }

  #isBuiltInFile(file: string): boolean {
    return this.#parts.builtIn.some(({ name }) => name === file);
  }

  #customFile(key: string): string {
    if (this.#isBuiltIn(key)) throw new SealtrailError('rule_built_in');
    return this.#fileOf.get(key)!;
  }

  #shown(rule: AnyRule): Rule {
    const { key, document } = rule;
    const { header } = document;
    const tests = header.sealtrail?.tests ?? [];
    return {
      key,
      name: header.name ?? null,
      title: header.title,
      description: header.description ?? null,
      kind: document.kind === 'correlation' ? document.correlation.type : 'detection',
      level: header.level ?? 'medium',
      status: header.status ?? null,
      tags: header.tags ?? [],
      logsource: document.kind === 'detection' ? { ...document.logsource } : null,
      origin: this.#isBuiltIn(key) ? 'built-in' : 'custom',
      file: this.#fileOf.get(key)!,
      risk: header.sealtrail?.risk ?? 0,
      isEnabled: this.isEnabled(key),
      isFinding: this.#isFinding(key),
      isTested: tests.some(({ match }) => match) && !tests.every(({ match }) => match),
      isAboutSystem: this.#aboutSystem.has(key),
      notice: this.#notices.get(key) ?? null,
    };
  }
}

/** Rule files that are added, and their texts together: all of them are read with each change. */
const maxFiles = 1000;
const maxTextLength = 8 * 1024 * 1024;

function assertValid({ faults }: RuleReport): void {
  if (faults.length > 0)
    throw new SealtrailError('invalid_rule', undefined, {
      details: faults.map(({ line, column, message }) => ({
        code: 'invalid_rule' as const,
        message: `line ${line}, column ${column}: ${message}`,
      })),
    });
}

function assertTested(key: string, { failedTests, untested }: TestResults): void {
  const failed = failedTests.find(({ rule }) => rule === key);
  if (failed)
    throw new SealtrailError(
      'rule_untested',
      `the test "${failed.test}" of the rule ${key} fails: expected ${failed.expected ? 'a match' : 'no match'}`,
    );
  if (untested.includes(key))
    throw new SealtrailError(
      'rule_untested',
      `expected a test that the rule ${key} matches, and one that it does not (sealtrail.tests)`,
    );
}
