import { CompiledRules } from './compiled-rules.ts';
import { Detector, type DetectorInput } from './detector.ts';
import type { RuleEvent } from './event-fields.ts';
import { eventTimeOf } from './event-time.ts';
import type { LoadedCorrelation, LoadedRule, LoadedRules } from './load.ts';
import type { Location } from './locate.ts';
import { partOf } from './rule-part.ts';
import type { Logsource, RuleTest } from './rule-schema.ts';
import { parseTimespan } from './timespan.ts';

/** A test of a rule that came out otherwise than it says. */
export interface RuleTestFailure {
  readonly rule: string;
  readonly test: string;
  readonly expected: boolean;
}

/** Where the events of a test begin that do not say when they happened. */
const startMs = Date.UTC(2026, 0, 5, 9);

/**
 * Runs the tests that rules bring along, each with all rules that are loaded, since correlations need the others.
 *
 * @param keys of the rules whose tests are run; absent: all
 * @throws RuleError when a test names a time span that is none
 */
export function runRuleTests(
  loaded: LoadedRules,
  keys?: ReadonlySet<string>,
): {
  readonly passed: number;
  readonly failures: readonly RuleTestFailure[];
  /** Keys of rules without a test that they match, or without one that they do not. */
  readonly untested: readonly string[];
} {
  const failures: RuleTestFailure[] = [];
  const untested: string[] = [];
  let passed = 0;
  for (const rule of [...loaded.rules, ...loaded.correlations]) {
    if (keys !== undefined && !keys.has(rule.key)) continue;
    const tests = rule.document.header.sealtrail?.tests ?? [];
    if (!tests.some(({ match }) => match) || tests.every(({ match }) => match)) untested.push(rule.key);
    for (const test of tests) {
      if (isFound(loaded, rule, test) === test.match) passed++;
      else failures.push({ rule: rule.key, test: test.name, expected: test.match });
    }
  }
  return { passed, failures, untested };
}

/** Whether a rule finds something in the events of a test. */
function isFound(loaded: LoadedRules, rule: LoadedRule | LoadedCorrelation, test: RuleTest): boolean {
  let found = false;
  const { locations = {} } = test;
  const detector = new Detector(new CompiledRules(partOf(loaded, new Set([rule.key]))), {
    latenessMs: Number.POSITIVE_INFINITY,
    locate: (address) => (Object.hasOwn(locations, address) ? (locations[address] as Location) : undefined),
    onMatch: (matched) => {
      if (matched.key === rule.key) found = true;
    },
  });
  const logsource = test.logsource ?? logsourceOf(loaded, rule);
  const { episodes } = detector.take(inputsOf(test, logsource));
  return (
    found ||
    [...episodes, ...detector.finish()].some(
      ({ rule: { key }, episode }) => key === rule.key && episode.mergedInto === undefined,
    )
  );
}

/** The source of a rule; of a correlation that of the first rule below it, and of what is over all findings any. */
function logsourceOf(loaded: LoadedRules, rule: LoadedRule | LoadedCorrelation): Logsource {
  if ('detection' in rule) return rule.document.logsource;
  if (rule.rules.length === 0) return {};
  const part = partOf(loaded, new Set([rule.key]));
  return part.rules[0]?.document.logsource ?? {};
}

function inputsOf({ event, events = [] }: RuleTest, logsource: Logsource): DetectorInput[] {
  const listed = event === undefined ? events : [{ event, times: 1 }, ...events];
  const inputs: DetectorInput[] = [];
  let clockMs = startMs;
  for (const { event: one, times, every = '1s', after, vary } of listed) {
    if (after !== undefined) clockMs += parseTimespan(after);
    for (let n = 0; n < times; n++) {
      if (n > 0) clockMs += parseTimespan(every);
      const varied = vary === undefined ? one : (withVaried(one, vary.split('.'), n) as RuleEvent);
      const timeMs = eventTimeOf(one) ?? clockMs;
      const timed = 'time' in varied ? varied : { ...varied, time: new Date(timeMs).toISOString() };
      inputs.push({
        views: [{ event: timed, logsource }],
        ...{ timeMs, receivedMs: timeMs, index: inputs.length, partition: '' },
      });
    }
  }
  return inputs;
}

/** An event whose text at a path is followed by a number: another user, another address. Of a list each element. */
function withVaried(value: unknown, path: readonly string[], n: number): unknown {
  if (Array.isArray(value)) return value.map((element) => withVaried(element, path, n));
  const [head, ...rest] = path;
  if (head === undefined) return `${String(value)}${n}`;
  const object = (value ?? {}) as RuleEvent;
  return { ...object, [head]: withVaried(object[head], rest, n) };
}
