import { type AlertStats, alertStatuses, dispositions, severities } from '@sealtrail/core';
import { printableLines } from './printable.ts';
import { type Column, table } from './table.ts';
import { wrap } from './text-width.ts';
import { durationText } from './time-text.ts';

const ruleColumns: readonly Column[] = [
  { heading: 'ALERTS', isWhole: true },
  { heading: 'FALSE POS.', isWhole: true },
  { heading: 'RULE' },
  { heading: 'KEY', isWhole: true },
];

/** How alerts were dealt with, for people. */
export function alertStatsReport(stats: AlertStats, columns: number): string {
  const { total, byStatus, byLevel, byDisposition, byRule } = stats;
  const lines: readonly (readonly [label: string, value: string])[] = [
    ['by level', countsText(byLevel, severities.toReversed())],
    ['by status', countsText(byStatus, alertStatuses)],
    ['resolved as', countsText(byDisposition, dispositions)],
    ['detected', meanText(stats.meanTimeToDetectMs, 'after the first event')],
    ['acknowledged', meanText(stats.meanTimeToAcknowledgeMs, 'after the opening')],
    ['resolved', meanText(stats.meanTimeToResolveMs, 'after the opening')],
  ];
  const labelColumns = 'acknowledged'.length;
  const facts = lines
    .filter(([, value]) => value !== '')
    .flatMap(([label, value]) =>
      wrap(value, columns - labelColumns - 4).map(
        (line, n) => `  ${(n === 0 ? label : '').padEnd(labelColumns)}  ${line}\n`,
      ),
    );
  const rules = byRule.map(({ rule, title, alerts, falsePositives }) => [
    String(alerts),
    String(falsePositives),
    title,
    rule,
  ]);
  const text = [
    total === 1 ? '1 alert\n' : `${total.toLocaleString('en')} alerts\n`,
    ...facts,
    ...(rules.length > 0 ? ['\n', table(ruleColumns, rules, columns)] : []),
  ].join('');
  return printableLines(text);
}

/** Counts that are not zero, in an order. */
const countsText = <Name extends string>(
  counts: Readonly<Record<Name, number>>,
  order: readonly Name[],
): string =>
  order
    .filter((name) => counts[name] > 0)
    .map((name) => `${counts[name]} ${name.replaceAll('_', ' ')}`)
    .join(', ');

function meanText(ms: number | null, after: string): string {
  return ms === null ? '' : `${durationText(ms / 1000)} ${after}, on average`;
}
