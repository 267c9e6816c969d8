// Writes docs/sigma-conformance.md: how rules and verdicts here agree with those of others. It reads test data of third
// parties beside the repository, and does nothing without it.
import { writeFileSync } from 'node:fs';
import * as conformance from '../../packages/core/src/sigma/testing/conformance.ts';
import { isAbsent } from '../../packages/core/src/sigma/testing/corpus.ts';
import { pysigmaVectors, type Vector } from '../../packages/core/src/sigma/testing/pysigma-vectors.ts';

interface Row {
  readonly what: string;
  readonly source: string;
  readonly score: conformance.Score;
}

const sigmaHq = '[SigmaHQ](https://github.com/SigmaHQ/sigma) at 8eaafff';

const rows = (): readonly Row[] => [
  {
    what: 'Rules on events recorded on Windows: at least one of those recorded for a rule is found',
    source: `${sigmaHq}, regression data`,
    score: conformance.windowsRegression(),
  },
  {
    what: 'The same events with every rule whose log source they are of',
    source: `${sigmaHq}; verdicts of sigmalite`,
    score: conformance.windowsEvents(),
  },
  {
    what: 'Cloud and identity rules on audit events, every pair',
    source: `${sigmaHq}; events of panther-analysis and Stratus; verdicts of sigmalite, disputed ones left out`,
    score: conformance.cloudEvents(),
  },
  {
    what: 'Events made from rules: what is to match, near misses, what filters leave out',
    source: `${sigmaHq}; verdicts of two independent engines`,
    score: conformance.derivedEvents(),
  },
  {
    what: 'Examples of the specification, each understood',
    source: '[Sigma specification](https://github.com/SigmaHQ/sigma-specification) at ba9251a',
    score: conformance.specificationExamples(),
  },
];

const number = (value: number): string => value.toLocaleString('en');
const text = (value: string): string => value.replaceAll('|', '\\|');

function scoreLine({ what, source, score }: Row): string {
  const { cases, positive, wrong, refused } = score;
  const right = cases - wrong.length - (positive === cases ? Object.keys(refused).length : 0);
  return `| ${what} | ${number(right)} of ${number(cases)} | ${number(positive)} | ${source} |`;
}

function remarks({ what, score: { wrong, refused } }: Row): string[] {
  const lines = [
    ...wrong.map((name) => `  - otherwise: \`${name}\``),
    ...Object.entries(refused).map(([name, why]) => `  - refused: \`${name}\`: ${why}`),
  ];
  return lines.length === 0 ? [] : [`- ${what}:`, ...lines];
}

function vectorLines(name: string, vectors: readonly Vector[]): string {
  const agreeing = vectors.filter(
    ({ found, expected }) => JSON.stringify(sorted(found)) === JSON.stringify(sorted(expected)),
  );
  return `| ${name} | ${agreeing.length} of ${vectors.length} | ${vectors.filter(({ deviation }) => deviation).length} |`;
}

/** The order of keys says nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, sorted(part)]),
  );
}

if (isAbsent) {
  console.error('the test data of third parties is not there');
  process.exitCode = 1;
} else {
  const scores = rows();
  const vectors = Object.entries(pysigmaVectors).map(([name, load]) => [name, load()] as const);
  const file = new URL('../../docs/sigma-conformance.md', import.meta.url);
  writeFileSync(
    file,
    `# Conformance with Sigma

How the engine in \`packages/core/src/sigma\` agrees with others. \`npm run report -- sigma-conformance\` writes this page out of
test data of third parties; tests hold the same numbers (\`corpus.test.ts\`, \`pysigma.test.ts\`).

## Verdicts

| what | right | of these to be found | whose data, whose verdicts |
|---|---|---|---|
${scores.map(scoreLine).join('\n')}

${scores.flatMap(remarks).join('\n')}

The one that comes out otherwise needs a field under another name than the event has it by; the placeholder's values are
those of an installation. Correlations over time have no third-party vectors: they are held against a brute-force
definition of each type instead, under shuffles, batches and stops ([0007](decisions/0007-correlations-hold-over-event-time.md)).

## Reading of rules

What pySigma 1.5.0, the reference parser, makes of texts, modifiers, conditions, detections, time spans and correlations.

| vectors | agree | deviate on purpose |
|---|---|---|
${vectors.map(([name, list]) => vectorLines(name, list)).join('\n')}

${vectors
  .flatMap(([, list]) => list)
  .filter(({ deviation }) => deviation !== undefined)
  .map(({ name, deviation }) => `- \`${text(name)}\`: ${deviation}`)
  .join('\n')}
`,
  );
  console.log(`wrote ${file.pathname}`);
}
