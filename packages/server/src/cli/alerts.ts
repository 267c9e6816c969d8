import { type Alert, type AlertDetails, type AlertPage, type AlertStats, severities } from '@sealtrail/core';
import { Command, Option } from 'commander';
import { readAlertContext } from './alert-context.ts';
import { alertIdOf } from './alert-id.ts';
import { alertReport } from './alert-report.ts';
import { alertStatsReport } from './alert-stats-report.ts';
import { stepCommands } from './alert-steps.ts';
import { alertColumns, alertRow } from './alert-text.ts';
import { apiOf, type CliContext, print, type ServerCommandOptions, withServer } from './context.ts';
import { jsonLine, printable } from './printable.ts';
import type { Parameters } from './server-api.ts';
import { readServerEvents } from './server-events.ts';
import { layOut, layRow, table } from './table.ts';

interface AlertFilterOptions extends ServerCommandOptions {
  readonly status?: string;
  readonly minLevel?: string;
  readonly rule?: string;
  readonly assignee?: string;
  readonly trail?: string;
  readonly since?: string;
}

/** `sealtrail alert` */
export function alertCommand(context: CliContext): Command {
  const alert = new Command('alert')
    .description('what rules have found: list it, look at it, follow it, and say what became of it')
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(tailCommand(context))
    .addCommand(statsCommand(context));
  for (const command of stepCommands(context)) alert.addCommand(command);
  return alert;
}

const minLevelOption = (): Option =>
  new Option('--min-level <level>', 'alerts of this level and above').choices(severities);

/** Options that say which alerts. */
const withAlertFilter = (command: Command): Command =>
  withServer(command)
    .option('--status <status>', 'open, acknowledged, assigned or resolved, or several parted by commas')
    .addOption(minLevelOption())
    .option('--rule <key>', 'of this rule')
    .option('--assignee <who>', 'assigned to them')
    .option('--trail <trail>', 'in this trail (default: all)')
    .option('--since <time>', 'opened since: RFC 3339, a date, or a duration back such as 24h');

const filterOf = ({ status, minLevel, rule, assignee, trail, since }: AlertFilterOptions): Parameters => ({
  ...{ status, minLevel, rule, assignee, trail, since },
});

function listCommand(context: CliContext): Command {
  return withAlertFilter(new Command('list'))
    .description('list alerts, those opened last first: sealtrail alert list --status open,assigned')
    .option('--limit <n>', 'alerts a page (default 50)')
    .option('--cursor <cursor>', 'where the page before ended')
    .action(async (options: AlertFilterOptions & { limit?: string; cursor?: string }) => {
      const { limit, cursor } = options;
      const page = await apiOf(options, context).json<AlertPage>('GET', 'v1/alerts', {
        ...filterOf(options),
        ...{ limit, cursor },
      });
      const rows = page.alerts.map((alert) => alertRow(alert, alert.openedAt));
      const text = rows.length > 0 ? table(alertColumns, rows, context.terminal.columns) : 'no alerts\n';
      print(context, options, page, text);
      if (!options.json && page.nextCursor !== null)
        context.terminal.err(`more: --cursor ${printable(page.nextCursor)}\n`);
    });
}

function showCommand(context: CliContext): Command {
  return withServer(new Command('show'))
    .description('tell all of an alert: what happened, of whom, in which entries, and what was done about it')
    .argument('<id>', 'its id, alr_...')
    .action(async (id: string, options: ServerCommandOptions) => {
      const api = apiOf(options, context);
      const details = await api.json<AlertDetails>('GET', `v1/alerts/${alertIdOf(id)}`);
      if (options.json) context.terminal.out(jsonLine(details));
      else
        context.terminal.out(
          alertReport(details, await readAlertContext(api, details.alert), context.terminal.columns),
        );
    });
}

function tailCommand(context: CliContext): Command {
  return withServer(new Command('tail'))
    .description('follow alerts as they are opened and change')
    .addOption(minLevelOption())
    .option('--from <revision>', 'begin behind this revision, 0 for all; default: what comes from now on')
    .action(async (options: ServerCommandOptions & { minLevel?: string; from?: string }) => {
      const api = apiOf(options, context);
      const { terminal, signal } = context;
      const open = (lastId: string | undefined): Promise<Response> =>
        api.request(
          'GET',
          'v1/alerts/stream',
          { minLevel: options.minLevel, from: lastId === undefined ? options.from : undefined },
          { headers: lastId === undefined ? {} : { 'last-event-id': lastId }, timely: 'beginning' },
        );
      const onConnection = (state: 'lost' | 'back'): void =>
        terminal.err(state === 'lost' ? 'connection lost; reconnecting\n' : 'connected again\n');
      for await (const message of readServerEvents({ open, signal, onConnection })) {
        const alert = JSON.parse(message) as Alert;
        terminal.out(options.json ? jsonLine(alert) : tailRow(alert, terminal.columns));
      }
    });
}

function statsCommand(context: CliContext): Command {
  return withAlertFilter(new Command('stats'))
    .description('count alerts, and tell how long it takes until they are dealt with')
    .action(async (options: AlertFilterOptions) => {
      const stats = await apiOf(options, context).json<AlertStats>(
        'GET',
        'v1/alerts/stats',
        filterOf(options),
      );
      print(context, options, stats, alertStatsReport(stats, context.terminal.columns));
    });
}

/** One row without knowing the ones to come: places of usual widths. */
function tailRow(alert: Alert, room: number): string {
  const [id, level, status, time, title, about, findings] = [28, 8, 18, 20, 40, 40, 3];
  const natural = [id, level, status, time, title, about, findings];
  return layRow(alertColumns, alertRow(alert, alert.changedAt), layOut(alertColumns, natural, room));
}
