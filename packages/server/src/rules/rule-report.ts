import type { RuleReport } from '@sealtrail/core';
import {
  type LoadFault,
  lintRules,
  loadRules,
  parseRuleFile,
  type RuleSource,
  runRuleTests,
} from '@sealtrail/core/sigma';
import { refusedOf } from './refused-rules.ts';

/** What came of the tests of rules. */
export type TestResults = Pick<RuleReport, 'failedTests' | 'untested'>;

/**
 * What there is to say of a rule file if it were added to others, or took the place of one. It runs the tests of the file:
 * for as long as they take.
 *
 * @param sources all files that there are
 * @param inPlaceOf name of the file that it takes the place of
 */
export function ruleReport(sources: readonly RuleSource[], yaml: string, inPlaceOf?: string): RuleReport {
  const name = inPlaceOf ?? '';
  const given: RuleSource = { name, text: yaml, parsed: parseRuleFile(yaml) };
  const refused = refusedOf(given.parsed!);
  if (refused.length > 0) return { rules: [], faults: refused, hints: [], failedTests: [], untested: [] };
  const known = sources.map((source) => ({ ...source, parsed: source.parsed ?? parseRuleFile(source.text) }));
  const before = loadRules(known);
  const loaded = loadRules([...known.filter((source) => source.name !== inPlaceOf), given]);
  const elsewhere = new Set(
    [...before.rules, ...before.correlations].filter(({ file }) => file !== name).map(({ key }) => key),
  );
  // What only the others make right, such as a correlation over their rules, is judged with them.
  const keys = [...loaded.rules, ...loaded.correlations]
    .map(({ key }) => key)
    .filter((key) => !elsewhere.has(key));
  const { failures, untested } = runRuleTests(loaded, new Set(keys));
  const ownFilters = loaded.filters.filter(({ file }) => file === name);
  const linted = new Set([...keys, ...ownFilters.map(({ key }) => key)]);
  const faults = newFaults(before.faults, loaded.faults, name);
  if (keys.length + faults.length === 0)
    faults.push({ file: name, line: 1, column: 1, message: 'expected a rule' });
  return {
    rules: keys,
    faults: faults.map(({ file, line, column, message }) => ({
      ...{ line, column },
      message: file === name ? message : `${file}: ${message}`,
    })),
    hints: lintRules(loaded).filter(({ rule }) => linted.has(rule)),
    failedTests: failures.map(({ rule, test, expected }) => ({ rule, test, expected })),
    untested: [...untested],
  };
}

/** Runs the tests of one rule. */
export function testRule(sources: readonly RuleSource[], key: string): TestResults {
  const { failures, untested } = runRuleTests(loadRules(sources), new Set([key]));
  return {
    failedTests: failures.map(({ rule, test, expected }) => ({ rule, test, expected })),
    untested: [...untested],
  };
}

/**
 * Faults that were not there before.
 *
 * @param own name of a file whose faults are new in any case
 */
export function newFaults(
  before: readonly LoadFault[],
  after: readonly LoadFault[],
  own?: string,
): LoadFault[] {
  const known = new Set(before.map(faultText));
  return after.filter((fault) => fault.file === own || !known.has(faultText(fault)));
}

const faultText = ({ file, line, column, message }: LoadFault): string =>
  JSON.stringify([file, line, column, message]);
