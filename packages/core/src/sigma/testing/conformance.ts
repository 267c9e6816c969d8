// Verdicts that engines independent of this one agree on, as scores. Source of the data: see the README beside it.
import type { RuleEvent } from '../event-fields.ts';
import { loadRules } from '../load.ts';
import { type DetectionRule, parseRuleFile } from '../rule-file.ts';
import type { Logsource } from '../rule-schema.ts';
import { RuleSet } from '../rule-set.ts';
import { records, texts } from './corpus.ts';

/** How a set of cases came out. */
export interface Score {
  readonly cases: number;
  /** Of these the ones in which something is to be found. */
  readonly positive: number;
  /** What came out otherwise. */
  readonly wrong: readonly string[];
  /** What is refused here, and why. */
  readonly refused: Readonly<Record<string, string>>;
}

interface RuleRecord {
  readonly id: string;
  readonly yaml: string;
}

/** Rules by id, planned together; of an id that stands twice, the last one. */
function planned(
  rules: readonly RuleRecord[],
): { readonly ids: readonly string[]; readonly set: RuleSet } & Pick<Score, 'refused'> {
  const found = new Map<string, DetectionRule>();
  const refused: Record<string, string> = {};
  for (const { id, yaml } of rules) {
    const { rules: loaded, faults } = loadRules([{ name: id, text: yaml }]);
    if (faults[0]) refused[id] = faults[0].message;
    else found.set(id, loaded[0]!.document);
  }
  return { ids: [...found.keys()], set: new RuleSet([...found.values()]), refused };
}

/** Channels that services of Windows write to, as far as the events are of them. */
const channels: Readonly<Record<string, string>> = {
  security: 'Security',
  sysmon: 'Microsoft-Windows-Sysmon/Operational',
  windefend: 'Microsoft-Windows-Windows Defender/Operational',
  taskscheduler: 'Microsoft-Windows-TaskScheduler/Operational',
  wmi: 'Microsoft-Windows-WMI-Activity/Operational',
};

interface Match {
  readonly rule: string;
  readonly event: string;
  readonly expected: boolean;
  readonly disputed_by: readonly string[];
}

/** Rules of SigmaHQ on events that were recorded on Windows. */
export function windowsEvents(): Score {
  const all = [
    ...records<RuleRecord>('01-sigmahq-regression/rules.jsonl'),
    ...records<RuleRecord>('01-sigmahq-regression/cross_rules.jsonl'),
  ];
  const { ids, set, refused } = planned(all);
  const logsources = new Map(
    all.map(({ id, yaml }) => [id, (parseRuleFile(yaml).documents[0] as DetectionRule).logsource]),
  );
  const expected = new Set(
    records<Match>('01-sigmahq-regression/cross_matches.jsonl').map(({ rule, event }) => `${rule} ${event}`),
  );
  interface Recorded {
    readonly id: string;
    readonly sigma_categories: readonly string[];
    readonly event: RuleEvent;
  }
  const wrong: string[] = [];
  let cases = 0;
  for (const { id: event, sigma_categories, event: fields } of records<Recorded>(
    '01-sigmahq-regression/events.jsonl',
  )) {
    const isFor = ({ category, service }: Logsource): boolean =>
      (category === undefined || sigma_categories.includes(category)) &&
      (service === undefined || channels[service] === fields['Channel']);
    const matched = new Set(set.matches(fields, {}));
    for (const [number, id] of ids.entries()) {
      if (!isFor(logsources.get(id)!)) continue;
      cases++;
      if (matched.has(number) !== expected.has(`${id} ${event}`)) wrong.push(`${id} ${event}`);
    }
  }
  return { cases, positive: expected.size, wrong, refused };
}

/** Rules that are to find at least one of the events recorded for them. */
export function windowsRegression(): Score {
  interface Expected {
    readonly rule: string;
    readonly events: readonly string[];
    readonly expected_at_least: number;
  }
  const { ids, set, refused } = planned(records<RuleRecord>('01-sigmahq-regression/rules.jsonl'));
  const events = new Map(
    records<{ readonly id: string; readonly event: RuleEvent }>('01-sigmahq-regression/events.jsonl').map(
      ({ id, event }) => [id, event],
    ),
  );
  const expected = records<Expected>('01-sigmahq-regression/expected.jsonl');
  const wrong = expected.filter(({ rule, events: named, expected_at_least }) => {
    const found = named.filter((id) => set.matches(events.get(id)!, {}).includes(ids.indexOf(rule)));
    return found.length < expected_at_least;
  });
  return {
    cases: expected.length,
    positive: expected.length,
    wrong: wrong.map(({ rule }) => rule),
    refused,
  };
}

/** Rules of SigmaHQ on audit events of clouds and identity providers: every pair of them. */
export function cloudEvents(): Score {
  interface Recorded {
    readonly id: string;
    readonly event: RuleEvent;
    readonly sigma_aliases: RuleEvent;
  }
  const { ids, set, refused } = planned(records<RuleRecord>('02-sigmahq-cloud-x-events/rules.jsonl'));
  const matches = records<Match>('02-sigmahq-cloud-x-events/matches.jsonl');
  const pairs = (wanted: (match: Match) => boolean): Set<string> =>
    new Set(matches.filter(wanted).map(({ rule, event }) => `${rule} ${event}`));
  const expected = pairs((match) => match.expected && match.disputed_by.length === 0);
  const disputed = pairs(({ disputed_by }) => disputed_by.length > 0);
  const events = records<Recorded>('02-sigmahq-cloud-x-events/events.jsonl');
  const found = new Set(
    events.flatMap(({ id, event, sigma_aliases }) =>
      set.matches({ ...event, ...sigma_aliases }, {}).map((number) => `${ids[number]} ${id}`),
    ),
  );
  const wrong = [...new Set([...expected, ...found])].filter(
    (pair) => expected.has(pair) !== found.has(pair) && !disputed.has(pair),
  );
  return {
    cases: ids.length * events.length - disputed.size,
    positive: expected.size,
    wrong,
    refused,
  };
}

/** Events made from rules, of which two engines say the same. */
export function derivedEvents(): Score {
  interface Case {
    readonly id: string;
    readonly rule: string;
    readonly expected: boolean;
    readonly event: RuleEvent;
    readonly confirmed_by: readonly string[];
  }
  const { ids, set, refused } = planned(records<RuleRecord>('04-sigmahq-rule-derived/rules.jsonl'));
  const numbers = new Map(ids.map((id, number) => [id, number]));
  const cases = records<Case>('04-sigmahq-rule-derived/cases.jsonl');
  const wrong = cases.filter(
    ({ rule, expected, event }) => set.matches(event, {}).includes(numbers.get(rule)!) !== expected,
  );
  return {
    cases: cases.length,
    positive: cases.filter(({ expected }) => expected).length,
    wrong: wrong.map(({ id }) => id),
    refused,
  };
}

/** Examples of the specification: each is understood, but for what names rules that are not beside it. */
export function specificationExamples(): Score {
  const examples = ['rules', 'correlation', 'filter'].flatMap((folder) =>
    texts(`08-sigma-spec/schema-examples/${folder}/`),
  );
  const refused: Record<string, string> = {};
  for (const [name, text] of examples) {
    const fault = loadRules([{ name, text }]).faults.find(
      ({ message }) => !message.startsWith('there is no rule'),
    );
    if (fault) refused[name] = fault.message;
  }
  return { cases: examples.length, positive: examples.length, wrong: [], refused };
}
