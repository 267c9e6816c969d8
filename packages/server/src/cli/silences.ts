import {
  type Entity,
  newSilenceSchema,
  parseTime,
  SealtrailError,
  type Silence,
  severities,
  timeRange,
} from '@sealtrail/core';
import { Command, Option } from 'commander';
import { isoTime } from '../iso-time.ts';
import { checkedBody } from './checked-body.ts';
import { apiOf, type CliContext, print, type ServerCommandOptions, withServer } from './context.ts';
import { printable } from './printable.ts';
import { type Column, table } from './table.ts';
import { durationMs, timeText } from './time-text.ts';

interface AddOptions extends ServerCommandOptions {
  readonly rule?: string;
  readonly maxLevel?: string;
  readonly trail?: string;
  readonly tenant?: string;
  readonly entity?: readonly string[];
  readonly owner: string;
  readonly reason: string;
  readonly from?: string;
  readonly for?: string;
  readonly until?: string;
}

const columns: readonly Column[] = [
  { heading: 'ID', isWhole: true },
  { heading: 'STATE', isWhole: true },
  { heading: 'FROM', isWhole: true },
  { heading: 'UNTIL', isWhole: true },
  { heading: 'ABOUT' },
  { heading: 'OWNER' },
  { heading: 'REASON' },
];

/** `sealtrail silence` */
export function silenceCommand(context: CliContext): Command {
  return new Command('silence')
    .description('keep channels from being told of some alerts, for a time; alerts are opened as ever')
    .addCommand(listCommand(context))
    .addCommand(addCommand(context))
    .addCommand(endCommand(context));
}

function listCommand(context: CliContext): Command {
  return withServer(new Command('list'))
    .description('list silences, those that end last first')
    .option('--active', 'only those that keep channels from being told now')
    .action(async (options: ServerCommandOptions & { active?: true }) => {
      const answer = await apiOf(options, context).json<{ silences: Silence[] }>('GET', 'v1/silences');
      const silences = answer.silences.filter(({ state }) => !options.active || state === 'active');
      const rows = silences.map((silence) => [
        silence.id,
        silence.state,
        timeText(silence.startsAt),
        timeText(silence.endsAt),
        matchText(silence),
        silence.owner,
        silence.reason,
      ]);
      const text = rows.length > 0 ? table(columns, rows, context.terminal.columns) : 'no silences\n';
      print(context, options, { silences }, text);
    });
}

function addCommand(context: CliContext): Command {
  return withServer(new Command('add'))
    .description('silence alerts of which all that is given holds')
    .option('--rule <key>', 'of this rule')
    .addOption(new Option('--max-level <level>', 'of this level and below').choices(severities))
    .option('--trail <trail>', 'in this trail')
    .option('--tenant <tenant>', 'of this tenant')
    .option(
      '--entity <field=value...>',
      'about this, such as source.ip=192.0.2.7; := for a number, true or false',
    )
    .requiredOption('--owner <who>', 'who answers for it')
    .requiredOption('--reason <text>', 'why')
    .option('--from <time>', 'RFC 3339 time at which it begins (default: now)')
    .option('--for <duration>', 'how long, such as 2h or 7d')
    .option('--until <time>', 'RFC 3339 time at which it ends')
    .action(async (options: AddOptions) => {
      const { rule, maxLevel, trail, tenant, owner, reason } = options;
      if ([rule, maxLevel, trail, tenant, options.entity].every((given) => given === undefined))
        throw new SealtrailError(
          'invalid_parameter',
          'expected --rule, --max-level, --trail, --tenant or --entity: which alerts to silence',
        );
      const body = checkedBody('silence', newSilenceSchema, {
        match: {
          ...{ rule, maxLevel, trail, tenant },
          ...(options.entity && { entity: entityOf(options.entity) }),
        },
        ...{ owner, reason },
        ...timesOf(options, Date.now()),
      });
      const silence = await apiOf(options, context).json<Silence>('POST', 'v1/silences', {}, body);
      const text = `${silence.id} ${silence.state === 'pending' ? `from ${timeText(silence.startsAt)} ` : ''}until ${timeText(silence.endsAt)}`;
      print(context, options, silence, `${printable(text)}\n`);
    });
}

function endCommand(context: CliContext): Command {
  return withServer(new Command('end'))
    .description('end a silence before its time')
    .argument('<id>', 'its id, sil_...')
    .action(async (id: string, options: ServerCommandOptions) => {
      const silence = await apiOf(options, context).json<Silence>(
        'DELETE',
        `v1/silences/${encodeURIComponent(id)}`,
      );
      print(context, options, silence, `${printable(`${silence.id} has ended`)}\n`);
    });
}

/** Which alerts a silence is about. */
function matchText({ match, exceptSystem }: Silence): string {
  const { entity = {}, ...others } = match;
  const what = [...Object.entries(others), ...Object.entries(entity)]
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
  return exceptSystem && match.trail === undefined ? `${what} (not of trail system)` : what;
}

/** Values by field: text after `=`, what JSON says after `:=`. @throws SealtrailError invalid_parameter */
function entityOf(parts: readonly string[]): Entity {
  return Object.fromEntries(
    parts.map((part): [string, Entity[string]] => {
      const [, field, isJson, text] = /^([^=]*[^=:])(:?)=(.*)$/s.exec(part) ?? [];
      const value = isJson ? scalarIn(text!) : text;
      if (field === undefined || value === undefined)
        throw new SealtrailError(
          'invalid_parameter',
          `--entity: expected field=text, or field:=value with a number, true or false, got ${part}`,
        );
      return [field, value];
    }),
  );
}

function scalarIn(text: string): number | boolean | undefined {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d{1,15}(?:\.\d{1,9})?$/.test(text) ? Number(text) : undefined;
}

/** When a silence begins, where that is not now, and when it ends. @throws SealtrailError invalid_parameter */
function timesOf(
  { from, for: length, until }: AddOptions,
  nowMs: number,
): { readonly startsAt?: string; readonly endsAt: string } {
  if ((length === undefined) === (until === undefined))
    throw new SealtrailError('invalid_parameter', 'expected either --for or --until');
  const startMs = from === undefined ? undefined : timeIn('--from', from);
  const endMs =
    length === undefined ? timeIn('--until', until!) : (startMs ?? nowMs) + durationMs('--for', length);
  if (endMs > timeRange.maxMs)
    throw new SealtrailError('invalid_parameter', '--for: expected at most a year');
  return { ...(startMs !== undefined && { startsAt: isoTime(startMs) }), endsAt: isoTime(endMs) };
}

/** @throws SealtrailError invalid_parameter */
function timeIn(option: string, text: string): number {
  const ms = parseTime(text);
  if (ms === undefined)
    throw new SealtrailError(
      'invalid_parameter',
      `${option}: expected an RFC 3339 time, such as 2027-01-31T09:30:00Z`,
    );
  return ms;
}
