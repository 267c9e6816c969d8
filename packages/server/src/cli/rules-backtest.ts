import { type Backtest, defaultTrail, SealtrailError } from '@sealtrail/core';
import type { LoadedRules } from '@sealtrail/core/sigma';
import { Command } from 'commander';
import { backtestFolder } from '../rules/backtest-folder.ts';
import { rulesAlone } from '../rules/rules-alone.ts';
import { type CliContext, dataOption, neededDataOf } from './context.ts';
import { jsonLine } from './printable.ts';
import { ProgressBar } from './progress-bar.ts';
import { loadAt, warnOfFaults } from './rule-paths.ts';
import { table } from './table.ts';
import { timeIn } from './time-in.ts';

interface BacktestCommandOptions {
  readonly data?: string;
  readonly rules: readonly string[];
  readonly rule?: readonly string[];
  readonly trail: string;
  readonly since: string;
  readonly until: string;
  readonly lateness: string;
  readonly locations?: readonly string[];
  readonly json?: true;
}

/** `sealtrail rules backtest` */
export function backtestCommand(context: CliContext): Command {
  return new Command('backtest')
    .description('hold rules against history: what they would have found, also beside a running server')
    .addOption(dataOption())
    .requiredOption('--rules <path...>', 'YAML files, folders, or JSON Lines with a member yaml')
    .option('--rule <id...>', 'ids, names or titles of the rules to try (default: all)')
    .option('--trail <trail>', 'trail to look at', defaultTrail)
    .option('--since <time>', 'received from then on: RFC 3339, a date, or a duration back such as 7d', '7d')
    .option('--until <time>', 'received before then', 'now')
    .option('--lateness <seconds>', 'how long events may be behind the latest one', '10')
    .option(
      '--locations <file...>',
      'databases that say where addresses are (.mmdb): City or Country, ASN, Anonymous IP',
    )
    .option('--json', 'output for machines')
    .action(async (options: BacktestCommandOptions) => {
      const { terminal, signal } = context;
      const loaded = await loadAt(options.rules);
      warnOfFaults(loaded, terminal);
      const nowMs = Date.now();
      using bar = new ProgressBar(terminal, 'backtest');
      const result = backtestFolder(neededDataOf(options, context), {
        trail: options.trail,
        rules: rulesAlone(loaded, keysOf(loaded, options.rule)),
        sinceMs: timeIn('--since', options.since, nowMs),
        untilMs: timeIn('--until', options.until, nowMs),
        latenessMs: secondsIn(options.lateness),
        locations: options.locations ?? [],
        onProgress: (done, total) => {
          bar.show(done, total);
          return !signal.aborted;
        },
      });
      signal.throwIfAborted();
      terminal.out(
        options.json
          ? jsonLine({ ...result, leftOut: loaded.faults })
          : reportOf(result, loaded, terminal.columns),
      );
    });
}

function keysOf(loaded: LoadedRules, wanted: readonly string[] | undefined): ReadonlySet<string> {
  const all = [...loaded.rules, ...loaded.correlations];
  if (wanted === undefined) return new Set(all.map(({ key }) => key));
  return new Set(
    wanted.map((name) => {
      const rule = all.find(
        ({ key, document: { header } }) => key === name || header.name === name || header.title === name,
      );
      if (rule === undefined) throw new SealtrailError('invalid_parameter', `there is no rule ${name}`);
      return rule.key;
    }),
  );
}

function secondsIn(text: string): number {
  if (!/^\d{1,6}$/.test(text))
    throw new SealtrailError('invalid_parameter', '--lateness: expected whole seconds');
  return 1000 * Number(text);
}

function reportOf(result: Backtest, loaded: LoadedRules, columns: number): string {
  const titles = new Map(
    [...loaded.rules, ...loaded.correlations].map(({ key, document }) => [key, document.header.title]),
  );
  const days = table(
    [{ heading: 'DAY' }, { heading: 'ALERTS' }],
    result.alertsPerDay.map(({ day, alerts }) => [day, String(alerts)]),
    columns,
  );
  const groups = table(
    [{ heading: 'RULE' }, { heading: 'ABOUT' }, { heading: 'FINDINGS' }],
    result.groups.map(({ rule, entity, findings }) => [
      titles.get(rule) ?? rule,
      Object.entries(entity)
        .map(([field, value]) => `${field}=${value}`)
        .join(' '),
      String(findings),
    ]),
    columns,
  );
  const number = (value: number): string => value.toLocaleString('en');
  return [
    `${number(result.entries)} entries of ${result.trail} from ${result.since} to ${result.until}\n`,
    `${number(result.findings)} findings, which make ${number(result.alerts)} alerts\n`,
    ...(result.late > 0 ? [`${number(result.late)} events came too late for correlations\n`] : []),
    ...(result.findings > 0 ? ['\n', days, '\n', groups] : []),
  ].join('');
}
