// Writes docs/detection-quality.md: what the built-in rules find in data that nobody here wrote. It reads test data of third
// parties beside the repository, and does nothing without it.
import { writeFileSync } from 'node:fs';
import { type Alarm, type AttackLogs, attackLogs } from '../../e2e/support/detection-quality/attack-logs.ts';
import { isAbsent } from '../../e2e/support/detection-quality/corpus.ts';
import { notLookedFor, type Reason } from '../../e2e/support/detection-quality/detection-intents.ts';
import * as explanations from '../../e2e/support/detection-quality/explanations.ts';
import {
  isLookedFor,
  type LabelledEvents,
  type LabelledResult,
  labelledEvents,
  measures,
  precision,
  type Rates,
  ratesOf,
  recall,
  type SourceName,
  sources,
} from '../../e2e/support/detection-quality/labelled-events.ts';
import {
  notPlayed,
  type TimedResult,
  timedCorrelations,
} from '../../e2e/support/detection-quality/timed-correlations.ts';
import { type UserAgents, userAgents } from '../../e2e/support/detection-quality/user-agents.ts';

const number = (value: number): string => value.toLocaleString('en');
const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const code = (text: string): string => `\`${text}\``;
const codes = (texts: Iterable<string>): string => [...texts].map(code).join(', ');

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

const rateCells = (rates: Rates): string =>
  `${rates.truePositives} of ${rates.positives} | ${percent(recall(rates))} | ${rates.falsePositives} of ${rates.negatives} | ${percent(precision(rates))}`;

const measureRows: readonly (readonly [
  title: string,
  isCounted: (result: LabelledResult) => boolean,
  isFound: (result: LabelledResult) => boolean,
])[] = [
  ['as meant', isLookedFor, measures.asMeant],
  ['strictly, rules of the source', () => true, measures.byOwnRules],
  ['strictly, all rules', () => true, measures.byAnyRule],
];

function labelledSection({ results, withMocks }: LabelledEvents): string {
  const rows = (Object.keys(sources) as SourceName[]).flatMap((source) => {
    const own = results.filter((result) => result.source === source);
    return measureRows.map(
      ([title, isCounted, isFound]) =>
        `| ${sources[source].title} | ${title} | ${rateCells(ratesOf(own.filter(isCounted), isFound))} |`,
    );
  });
  return `## Labelled events of CloudTrail, Okta and GitHub

${number(results.length)} events of [panther-analysis](https://github.com/panther-labs/panther-analysis) (daa10c8, Apache-2.0): each belongs to a detection
there, and is labelled as one that it is to find or is not to find. A third of what there is was kept apart and is not
seen here. ${number(withMocks)} further ones are left out, as their labels hang on made-up lists and memories.

Each event takes the way of an imported record: mapped by its source, redacted, written as an entry, and seen by all
built-in rules. Where a detection speaks after a number of events, the event is given as often, a second apart.

- **As meant**: [a table](../e2e/support/detection-quality/detection-intents.ts) says which of our rules look for what a detection looks for, judged by its
  description, or why none does. An event counts as found if one of these has a finding of level low or above. Only
  events of detections for which there is a rule count.
- **Strictly**: any rule of level low or above, of the source's own folder or of all folders, and all events. This is hard on
  precision: what is not to be found by one detection may be just what another one is for.

| source | measure | found of those to be found | recall | found of the others | precision |
|---|---|---|---|---|---|
${rows.join('\n')}

Rules were improved with these events in sight; the third that was kept apart says more than they do. Labels are few for
each detection, so a rate of false alarms in everyday work does not follow from them.

### What is not found, and why

${missLines(results).join('\n')}

### What is found and is not to be found

As meant:

${results
  .filter(({ expected, foundAsMeant }) => !expected && foundAsMeant)
  .map(({ id }) => `- ${code(id)}: ${explanations.wronglyFound[id]}`)
  .join('\n')}

Strictly, by rules of the source that look for something else: the events are what these rules are for, and harmless to
the detection that they are labelled for.

${strictLines(results, ({ foundAsMeant, ownRules }) => (foundAsMeant ? [] : ownRules)).join('\n')}

Strictly, by rules for all sources:

${strictLines(results, ({ otherRules }) => otherRules, explanations.strictly).join('\n')}
`;
}

function missLines(results: readonly LabelledResult[]): readonly string[] {
  const missed = results.filter(({ miss }) => miss !== undefined);
  const detections = (list: readonly LabelledResult[]): string =>
    codes(new Set(list.map(({ detection }) => detection)));
  const byKind = groupBy(missed, ({ miss }) => miss);
  const noRule = groupBy(byKind.get('no rule') ?? [], ({ intent }) => intent as Reason);
  const oneEvent = byKind.get('one event') ?? [];
  const refused = byKind.get('refused') ?? [];
  return [
    ...[...noRule].map(
      ([reason, list]) => `- ${list.length}, no rule: ${notLookedFor[reason]} (${detections(list)})`,
    ),
    `- ${oneEvent.length}, one event is not enough: rules see it, and speak when others come with it (${detections(oneEvent)})`,
    `- ${refused.length}, refused by the source: a time that is none (${detections(refused)})`,
    ...(byKind.get('otherwise') ?? []).map(
      ({ id, detection }) => `- ${code(id)}: ${explanations.misses[id] ?? explanations.misses[detection]}`,
    ),
  ];
}

function strictLines(
  results: readonly LabelledResult[],
  rulesOf: (result: LabelledResult) => readonly string[],
  why: Readonly<Record<string, string>> = {},
): readonly string[] {
  const found = results
    .filter(({ expected }) => !expected)
    .flatMap((result) => rulesOf(result).map((rule) => ({ rule, id: result.id })));
  return [...groupBy(found, ({ rule }) => rule)]
    .sort(([a, one], [b, other]) => other.length - one.length || (a < b ? -1 : 1))
    .map(
      ([rule, list]) =>
        `- ${code(rule)}${why[rule] === undefined ? '' : `, ${why[rule]}`}: ${codes(list.map(({ id }) => id))}`,
    );
}

function timedSection(results: readonly TimedResult[]): string {
  const right = results.filter(({ expected, found }) => expected === found);
  const otherwise = results.filter(({ expected, found }) => expected !== found);
  return `## Timed tests of correlations

Of its 31 correlations panther-analysis says when which part spoke, and for which value; it has no events for them. The
records are made here of the fields that the parts are about, at the times that the tests say.

${right.length} of ${results.length} tests of ${new Set(results.map(({ correlation }) => correlation)).size} correlations come out as expected. Otherwise:

${otherwise.map(({ correlation, test }) => `- ${code(correlation)}, "${test}": found, since the rule here speaks at once or with fewer parts`).join('\n')}

Not played, of those about these sources:

${Object.entries(notPlayed)
  .map(([name, why]) => `- ${code(name)}: ${why}`)
  .join('\n')}
`;
}

function attackSection(logs: AttackLogs): string {
  const { attacks, quietAlarms, sideAlarms, lines } = logs;
  const found = attacks.filter(({ foundBy }) => foundBy.length > 0);
  const rows = [...groupBy(attacks, ({ family }) => family)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([family, list]) => {
      const here = list.filter(({ foundBy }) => foundBy.length > 0);
      const rules = new Set(here.flatMap(({ foundBy }) => foundBy));
      return `| ${family} | ${here.length} of ${list.length} | ${codes(rules)} |`;
    });
  const missed = new Set(
    attacks.filter(({ foundBy }) => foundBy.length === 0).map(({ scenario }) => scenario),
  );
  const alarmLines = (alarms: readonly Alarm[]): string =>
    alarms
      .map(({ test, rules }) => `- ${code(test)}, by ${codes(rules)}: ${explanations.otherAlarms[test]}`)
      .join('\n');
  return `## Attacks in the logs of sshd and web servers

Tests of the [hub of crowdsec](https://github.com/crowdsecurity/hub) (b03cb59, MIT): raw log lines, and the addresses that its scenarios find in them. Lines of
syslog go through the source \`syslog\`, those of nginx, Apache, LiteSpeed, Caddy and Traefik through \`access-log\`, each test by itself. An
attack counts as found if a rule of level low or above has a finding about its address.

${number(lines.events)} lines of ${logs.tests} tests became events. ${logs.withoutEvents} tests have none: their lines are of programs other than sshd and sudo, of error
logs, or in a format that is none of an access log (${number(lines.skipped)} lines passed over, ${number(lines.refused)} refused, altogether). ${logs.otherProducts} more tests are about products that
are no source.

| what | found | by |
|---|---|---|
${rows.join('\n')}
| **all** | **${found.length} of ${attacks.length}** | |

Not found:

${[...missed].map((scenario) => `- ${code(scenario)}: ${explanations.missedAttacks[scenario]}`).join('\n')}

In ${logs.quietTests} tests nothing is to be found. ${quietAlarms.length} of them raised an alarm:

${alarmLines(quietAlarms)}

About others than the attackers, in tests with an attack:

${alarmLines(sideAlarms)}
`;
}

function agentSection(agents: UserAgents | undefined): string {
  const head = '## User agents\n\n';
  if (agents === undefined) return `${head}Not measured: this version has no classifier.\n`;
  const { bots, botsFound, browsers, browsersFlagged, kinds } = agents;
  return `${head}${number(bots + browsers)} user agents of [isbot](https://github.com/omrilotan/isbot) (344052d, Unlicense), labelled as bots or browsers. An attack tool, a headless browser, an HTTP
library, a crawler and an empty user agent count as found.

- bots found: ${number(botsFound)} of ${number(bots)} (${percent(botsFound / bots)}; at least 97 % is asked for)
- browsers flagged: ${number(browsersFlagged)} of ${number(browsers)} (${percent(browsersFlagged / browsers)}; at most 0.5 % is asked for)

| kind | bots | browsers |
|---|---|---|
${[...kinds]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([kind, count]) => `| ${kind} | ${number(count.bots)} | ${number(count.browsers)} |`)
  .join('\n')}

The classifier knows the patterns of isbot, so this says that they are used rightly, and little of bots that isbot does
not know.
`;
}

if (isAbsent) {
  console.error('the test data of third parties is not there');
  process.exitCode = 1;
} else {
  const sections = [
    labelledSection(labelledEvents()),
    timedSection(timedCorrelations()),
    attackSection(attackLogs()),
    agentSection(await userAgents()),
  ];
  const file = new URL('../../docs/detection-quality.md', import.meta.url);
  writeFileSync(
    file,
    `# Quality of detection

What the built-in rules find in data that nobody here wrote. \`npm run report -- detection-quality\` writes this page out of test
data of third parties; \`e2e/detection-quality.test.ts\` holds floors under the numbers, and that everything that comes out
otherwise is explained.

${sections.join('\n')}`,
  );
  console.log(`wrote ${file.pathname}`);
}
