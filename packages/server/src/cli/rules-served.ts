import {
  type Backfill,
  backfillRequestSchema,
  type DetectionStatus,
  defaultTrail,
  disableRuleSchema,
  maxRuleTextLength,
  type Rule,
} from '@sealtrail/core';
import { Command } from 'commander';
import { isoTime } from '../iso-time.ts';
import { checkedBody } from './checked-body.ts';
import { apiOf, type CliContext, print, type ServerCommandOptions, withServer } from './context.ts';
import { readText } from './input-file.ts';
import { printable } from './printable.ts';
import { jsonBody } from './server-api.ts';
import { type Column, table } from './table.ts';
import { timeIn } from './time-in.ts';
import { timeText } from './time-text.ts';

const trailColumns: readonly Column[] = [
  { heading: 'TRAIL', isWhole: true },
  { heading: 'ENTRIES', isWhole: true },
  { heading: 'TO DO', isWhole: true },
  { heading: 'LATE', isWhole: true },
  { heading: 'COMPLETE UNTIL', isWhole: true },
];

const ruleColumns: readonly Column[] = [
  { heading: 'KEY', isWhole: true },
  { heading: 'LEVEL', isWhole: true },
  { heading: 'STATE', isWhole: true },
  { heading: 'ORIGIN', isWhole: true },
  { heading: 'TITLE' },
];

/** Commands about the rules of a server. */
export function servedRuleCommands(context: CliContext): readonly Command[] {
  return [
    statusCommand(context),
    addCommand(context),
    enableCommand(context),
    disableCommand(context),
    backfillCommand(context),
  ];
}

function statusCommand(context: CliContext): Command {
  return withServer(new Command('status'))
    .description('tell how far the rules of a server are, and with --rules which they are')
    .option('--rules', 'list the rules, those that are disabled as well')
    .action(async (options: ServerCommandOptions & { rules?: true }) => {
      const api = apiOf(options, context);
      const status = await api.json<DetectionStatus>('GET', 'v1/detection');
      const listed = options.rules && (await api.json<{ rules: Rule[] }>('GET', 'v1/rules'));
      const { columns } = context.terminal;
      const text = [
        statusText(status, columns),
        ...(listed ? ['\n', table(ruleColumns, listed.rules.map(ruleRow), columns)] : []),
      ].join('');
      print(context, options, listed ? { ...status, listed: listed.rules } : status, text);
    });
}

function addCommand(context: CliContext): Command {
  return withServer(new Command('add'))
    .description('add rules to a server, where they wait until they are enabled')
    .argument('<file>', 'a YAML file (Sigma); - for standard input')
    .action(async (file: string, options: ServerCommandOptions) => {
      const yaml = await readText(file, context, 3 * maxRuleTextLength);
      const answer = await apiOf(options, context).json<{ rules: Rule[] }>(
        'POST',
        'v1/rules',
        {},
        jsonBody({ yaml }),
      );
      print(
        context,
        options,
        answer,
        table(ruleColumns, answer.rules.map(ruleRow), context.terminal.columns),
      );
    });
}

function enableCommand(context: CliContext): Command {
  return withServer(new Command('enable'))
    .description('have a server use a rule, which has to pass its tests')
    .argument('<key>', 'its id, else its name, else its title')
    .action(async (key: string, options: ServerCommandOptions) => {
      const rule = await apiOf(options, context).json<Rule>('POST', rulePath(key, '/enable'));
      print(context, options, rule, `${printable(`${rule.title} is enabled`)}\n`);
    });
}

function disableCommand(context: CliContext): Command {
  return withServer(new Command('disable'))
    .description('have a server use a rule no more')
    .argument('<key>', 'its id, else its name, else its title')
    .requiredOption('--reason <text>', 'why; it is kept in the trail system')
    .action(async (key: string, { reason, ...options }: ServerCommandOptions & { reason: string }) => {
      const body = checkedBody('reason', disableRuleSchema, { reason });
      const rule = await apiOf(options, context).json<Rule>('POST', rulePath(key, '/disable'), {}, body);
      print(context, options, rule, `${printable(`${rule.title} is disabled`)}\n`);
    });
}

interface BackfillOptions extends ServerCommandOptions {
  readonly trail: string;
  readonly since: string;
  readonly until: string;
}

function backfillCommand(context: CliContext): Command {
  return withServer(new Command('backfill'))
    .description(
      'have correlations of a server look again at what was received, in the order in which it happened',
    )
    .option('--trail <trail>', 'trail to look at', defaultTrail)
    .option('--since <time>', 'received from then on: RFC 3339, a date, or a duration back such as 7d', '1d')
    .option('--until <time>', 'received before then', 'now')
    .action(async ({ trail, since, until, ...options }: BackfillOptions) => {
      const nowMs = Date.now();
      const body = checkedBody('backfill', backfillRequestSchema, {
        trail,
        since: isoTime(timeIn('--since', since, nowMs)),
        until: isoTime(timeIn('--until', until, nowMs)),
      });
      const result = await apiOf(options, context).json<Backfill>('POST', 'v1/detection/backfill', {}, body);
      const { entries, added, amended, withdrawn, leftOut } = result;
      const text = [
        `${entries} entries looked at: ${added} findings added, ${amended} amended, ${withdrawn} withdrawn\n`,
        ...leftOut.map((key) => `! not looked at from the beginning: ${printable(key)}\n`),
      ].join('');
      print(context, options, result, text);
    });
}

const rulePath = (key: string, part: string): string => `v1/rules/${encodeURIComponent(key)}${part}`;

function statusText({ trails, rules, faults, latenessMs }: DetectionStatus, columns: number): string {
  const rows = trails.map(({ trail, size, entries, late, completeUntil }) => [
    trail,
    String(entries),
    String(size - entries),
    String(late),
    completeUntil === null ? '' : timeText(completeUntil),
  ]);
  return [
    `${rules.enabled} rules are enabled, ${rules.disabled} disabled; events may be ${latenessMs / 1000} s late\n`,
    ...faults.map(({ file, line, column, message }) => `✗ ${file}:${line}:${column}: ${message}\n`),
  ]
    .map((line) => `${printable(line.trimEnd())}\n`)
    .concat('\n', table(trailColumns, rows, columns))
    .join('');
}

function ruleRow({ key, level, isEnabled, isTested, isFinding, origin, title, notice }: Rule): string[] {
  const state = isEnabled ? 'enabled' : isTested || !isFinding ? 'disabled' : 'untested';
  return [key, level, state, origin, notice === null ? title : `${title} (${notice})`];
}
