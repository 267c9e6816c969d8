import { type Rule, type RuleDetails, type RuleReport, SealtrailError } from '@sealtrail/core';
import {
  type LoadedCorrelation,
  type LoadedRule,
  type LoadedRules,
  type LoadFault,
  lintRules,
  loadRules,
  parseRuleFile,
  type RuleFile,
  type RuleSource,
  runRuleTests,
  withoutLocations,
} from '@sealtrail/core/sigma';
import type { RuleStore } from '../detection-ports.ts';
import type { AlertRule } from '../followers/alert/alert-book.ts';
import { refusedOf } from './refused-rules.ts';
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
  #loaded: LoadedRules = { rules: [], correlations: [], faults: [] };
  #choices: ReadonlyMap<string, boolean> = new Map();
  /** What the texts of files say: reading them is most of the work. */
  #parsed: ReadonlyMap<string, RuleFile> = new Map();
  /** Text of files, by name. */
  #texts: ReadonlyMap<string, string> = new Map();
  readonly #fileOf: Map<string, string> = new Map();
  readonly #byKey: Map<string, AnyRule> = new Map();
  /** By the key of a rule: the keys of those that stand for it. */
  readonly #inhibitors: Map<string, string[]> = new Map();
  /** By the keys of rules that lack something to find anything: what. */
  #notices: ReadonlyMap<string, string> = new Map();
  /** Keys of what only feeds correlations. */
  readonly #inner: Set<string> = new Set();

  constructor(parts: RuleCatalogParts) {
    this.#parts = parts;
    this.reload();
  }

  /** Reads what is kept. */
  reload(): void {
    const { builtIn, store } = this.#parts;
    const custom = store.files().map(({ id, yaml }) => ({ name: id, text: yaml }));
    const sources = [...builtIn, ...custom].map((source) => this.#read(source));
    this.#parsed = new Map(sources.map(({ text, parsed }) => [text, parsed]));
    this.#texts = new Map(sources.map(({ name, text }) => [name, text]));
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

  /** What it takes to try one rule alone, or all that are enabled: all files, and keys. @throws SealtrailError rule_not_found */
  forBacktest(wanted: string | undefined): {
    readonly sources: readonly RuleSource[];
    readonly keys: readonly string[];
  } {
    const keys =
      wanted === undefined
        ? this.#all().flatMap(({ key }) => (this.isEnabled(key) ? [key] : []))
        : [this.#find(wanted).key];
    return { sources: [...this.#texts].map(([name, text]) => ({ name, text })), keys };
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

  /** What would be said of a rule file if it were added, or took the place of another. */
  validate(yaml: string, inPlaceOf?: string): RuleReport {
    const name = inPlaceOf ?? '';
    const others = this.#without(inPlaceOf);
    const before = new Set(this.#loaded.faults.map(faultText));
    const given = this.#read({ name, text: yaml });
    const refused = refusedOf(given.parsed);
    if (refused.length > 0) return { rules: [], faults: refused, hints: [], failedTests: [], untested: [] };
    const loaded = loadRules([...others, given]);
    const own = loadRules([given]);
    // What only the others make right, such as a correlation over their rules, is judged with them.
    const keys = new Set(
      [...loaded.rules, ...loaded.correlations]
        .map(({ key }) => key)
        .filter((key) => !this.#isElsewhere(key, name)),
    );
    const mine = {
      ...loaded,
      rules: loaded.rules.filter(({ key }) => keys.has(key)),
      correlations: loaded.correlations.filter(({ key }) => keys.has(key)),
    };
    const { failures, untested } = runRuleTests(loaded, keys);
    const faults = loaded.faults.filter((fault) => fault.file === name || !before.has(faultText(fault)));
    if (own.rules.length + own.correlations.length + own.faults.length === 0 && faults.length === 0)
      faults.push({ file: name, line: 1, column: 1, message: 'expected a rule' });
    return {
      rules: [...keys],
      faults: faults.map(({ file, line, column, message }) => ({
        ...{ line, column },
        message: file === name ? message : `${file}: ${message}`,
      })),
      hints: lintRules(mine).map(({ rule, message }) => ({ rule, message })),
      failedTests: failures.map(({ rule, test, expected }) => ({ rule, test, expected })),
      untested: [...untested],
    };
  }

  /** Adds a rule file, whose rules are not enabled yet. @throws SealtrailError invalid_rule */
  create(yaml: string): readonly Rule[] {
    const { store, now, newFileId } = this.#parts;
    const { rules } = this.#assertValid(yaml);
    const files = store.files();
    const bytes = files.reduce((sum, file) => sum + file.yaml.length, yaml.length);
    if (files.length >= maxFiles || bytes > maxTextLength)
      throw new SealtrailError(
        'invalid_rule',
        `expected at most ${maxFiles} rule files, of ${maxTextLength} characters together`,
      );
    store.putFile({ id: newFileId(), yaml, changedMs: now() });
    this.reload();
    return rules.map((key) => this.#shown(this.#find(key)));
  }

  /**
   * Puts another text in the place of the file that a rule is in. What is enabled has to pass its tests.
   *
   * @throws SealtrailError rule_not_found | rule_built_in | invalid_rule | rule_untested
   */
  replace(wanted: string, yaml: string): readonly Rule[] {
    const { store, now } = this.#parts;
    const { key } = this.#find(wanted);
    const file = this.#customFile(key);
    const report = this.#assertValid(yaml, file);
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
    const before = new Set(this.#loaded.faults.map(faultText));
    const broken = rest.faults.find((fault) => !before.has(faultText(fault)));
    if (broken) throw new SealtrailError('invalid_rule', `another rule needs it: ${broken.message}`);
    for (const key of keys) store.putChoice(key, undefined);
    store.removeFile(file);
    this.reload();
    return keys;
  }

  /** @throws SealtrailError rule_not_found | rule_untested, naming the test that fails */
  enable(wanted: string): Rule {
    const { key } = this.#find(wanted);
    const { failures, untested } = runRuleTests(this.#loaded, new Set([key]));
    assertTested(key, { failedTests: failures, untested });
    return this.#choose(key, true);
  }

  disable(wanted: string): Rule {
    return this.#choose(this.#find(wanted).key, false);
  }

  #read(source: RuleSource): Required<RuleSource> {
    return { ...source, parsed: this.#parsed.get(source.text) ?? parseRuleFile(source.text) };
  }

  /** All files but one. */
  #without(file: string | undefined): readonly RuleSource[] {
    return [...this.#texts].flatMap(([name, text]) => (name === file ? [] : [this.#read({ name, text })]));
  }

  #choose(key: string, isEnabled: boolean): Rule {
    this.#parts.store.putChoice(key, isEnabled);
    this.#choices = this.#parts.store.choices();
    return this.#shown(this.#find(key));
  }

  #assertValid(yaml: string, inPlaceOf?: string): RuleReport {
    const report = this.validate(yaml, inPlaceOf);
    if (report.faults.length === 0) return report;
    throw new SealtrailError('invalid_rule', undefined, {
      details: report.faults.map(({ line, column, message }) => ({
        code: 'invalid_rule' as const,
        message: `line ${line}, column ${column}: ${message}`,
      })),
    });
  }

  #index(): void {
    this.#fileOf.clear();
    this.#byKey.clear();
    this.#inhibitors.clear();
    this.#inner.clear();
    const names = new Map<string, string>();
    for (const rule of this.#all()) {
      this.#byKey.set(rule.key, rule);
      this.#fileOf.set(rule.key, rule.file);
      for (const name of [rule.document.header.name, rule.key])
        if (name !== undefined) names.set(name, rule.key);
    }
    // What somebody adds takes nothing away from rules of other files.
    const { correlations } = this.#loaded;
    const isOwn = (file: string, key: string): boolean =>
      this.#isBuiltInFile(file) || this.#fileOf.get(key) === file;
    for (const { file, rules } of correlations)
      for (const key of rules) if (isOwn(file, key)) this.#inner.add(key);
    for (const { file, rules, document } of correlations)
      if (document.correlation.generate)
        for (const key of rules) if (isOwn(file, key)) this.#inner.delete(key);
    for (const rule of this.#all())
      for (const name of rule.document.header.sealtrail?.inhibits ?? []) {
        const target = names.get(name);
        if (target === undefined) continue;
        const known = this.#inhibitors.get(target);
        if (known) known.push(rule.key);
        else this.#inhibitors.set(target, [rule.key]);
      }
  }

  #all(): readonly AnyRule[] {
    return [...this.#loaded.rules, ...this.#loaded.correlations];
  }

  #keysIn(file: string): readonly string[] {
    return [...this.#fileOf].flatMap(([key, name]) => (name === file ? [key] : []));
  }

  /** Whether a rule is in another file. */
  #isElsewhere(key: string, file: string): boolean {
    const own = this.#fileOf.get(key);
    return own !== undefined && own !== file;
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
      notice: this.#notices.get(key) ?? null,
    };
  }
}

/** Rule files that are added, and their texts together: all of them are read with each change. */
const maxFiles = 1000;
const maxTextLength = 8 * 1024 * 1024;

const faultText = ({ file, line, column, message }: LoadFault): string =>
  JSON.stringify([file, line, column, message]);

interface TestResults {
  readonly failedTests: readonly RuleReport['failedTests'][number][];
  readonly untested: readonly string[];
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
