import {
  type Channel,
  type ChannelTest,
  type ChannelWithSecret,
  type DeadLetter,
  deadLetterRetrySchema,
} from '@sealtrail/core';
import { Command } from 'commander';
import { channelAddCommand } from './channel-add.ts';
import { checkedBody } from './checked-body.ts';
import { apiOf, type CliContext, print, type ServerCommandOptions, withServer } from './context.ts';
import { printable } from './printable.ts';
import { jsonBody } from './server-api.ts';
import { type Column, table } from './table.ts';
import { timeText } from './time-text.ts';

const channelColumns: readonly Column[] = [
  { heading: 'ID', isWhole: true },
  { heading: 'NAME' },
  { heading: 'KIND', isWhole: true },
  { heading: 'LEADS TO' },
  { heading: 'LEVEL', isWhole: true },
  { heading: 'WAITING', isWhole: true },
  { heading: 'DEAD', isWhole: true },
  { heading: 'STATE' },
];

const deadLetterColumns: readonly Column[] = [
  { heading: 'ID', isWhole: true },
  { heading: 'GIVEN UP', isWhole: true },
  { heading: 'TRIES', isWhole: true },
  { heading: 'TYPE', isWhole: true },
  { heading: 'ALERT', isWhole: true },
  { heading: 'WHY' },
];

/** `sealtrail channel` */
export function channelCommand(context: CliContext): Command {
  return new Command('channel')
    .description('whom the server tells of alerts: webhooks, chat, pagers, mail, syslog')
    .addCommand(listCommand(context))
    .addCommand(channelAddCommand(context))
    .addCommand(testCommand(context))
    .addCommand(rotateCommand(context))
    .addCommand(switchCommand('enable', context))
    .addCommand(switchCommand('disable', context))
    .addCommand(removeCommand(context))
    .addCommand(deadLettersCommand(context))
    .addCommand(retryCommand(context));
}

/** Where the server has a channel, or what belongs to it. */
const channelPath = (id: string, part = ''): string => `v1/channels/${encodeURIComponent(id)}${part}`;

/** A command about one channel. */
const aboutOne = (name: string): Command =>
  withServer(new Command(name)).argument('<id>', 'id of the channel, chn_...');

function listCommand(context: CliContext): Command {
  return withServer(new Command('list'))
    .description('list channels, without their secrets')
    .action(async (options: ServerCommandOptions) => {
      const answer = await apiOf(options, context).json<{ channels: Channel[] }>('GET', 'v1/channels');
      const rows = answer.channels.map((channel) => [
        channel.id,
        channel.name,
        channel.target.kind,
        leadsTo(channel.target),
        channel.filter.minLevel,
        String(channel.waiting),
        String(channel.dead),
        stateText(channel),
      ]);
      const text = rows.length > 0 ? table(channelColumns, rows, context.terminal.columns) : 'no channels\n';
      print(context, options, answer, text);
    });
}

function testCommand(context: CliContext): Command {
  return aboutOne('test')
    .description('send a test, and tell whether it arrived (fails if not)')
    .action(async (id: string, options: ServerCommandOptions) => {
      const test = await apiOf(options, context).json<ChannelTest>('POST', channelPath(id, '/test'));
      const why = test.error === null ? '' : `: ${test.error}`;
      print(
        context,
        options,
        test,
        `${printable(`${test.isDelivered ? 'delivered' : 'not delivered'}${why}`)}\n`,
      );
      if (!test.isDelivered) context.setExitCode(1);
    });
}

function rotateCommand(context: CliContext): Command {
  return aboutOne('rotate')
    .description('give a webhook a new key, which is printed this once; the one before signs beside it')
    .option('--alone', 'have the new key sign alone')
    .action(async (id: string, options: ServerCommandOptions & { alone?: true }) => {
      const channel = await apiOf(options, context).json<ChannelWithSecret>(
        'POST',
        channelPath(id, '/rotate'),
        {},
        jsonBody({ keepPrevious: !options.alone }),
      );
      print(context, options, channel, `${printable(String(channel.secret))}\n`);
    });
}

/** A channel is changed as a whole: what it is, but for one thing, and without its target, which stays. */
function switchCommand(name: 'enable' | 'disable', context: CliContext): Command {
  return aboutOne(name)
    .description(
      name === 'enable'
        ? 'use a channel again, such as one that the server has disabled; what waits goes out'
        : 'do not use a channel; what is for it waits',
    )
    .action(async (id: string, options: ServerCommandOptions) => {
      const api = apiOf(options, context);
      const path = channelPath(id);
      const before = await api.json<Channel>('GET', path);
      const body = jsonBody({
        name: before.name,
        filter: before.filter,
        timers: before.timers,
        personalData: before.personalData,
        isEnabled: name === 'enable',
      });
      const channel = await api.json<ChannelWithSecret>('PUT', path, {}, body);
      print(context, options, channel, `${printable(`${channel.id} is ${name}d`)}\n`);
    });
}

function removeCommand(context: CliContext): Command {
  return aboutOne('remove')
    .description('remove a channel, with all that is on its way')
    .action(async (id: string, options: ServerCommandOptions) => {
      await apiOf(options, context).text('DELETE', channelPath(id));
      print(context, options, { id }, `${printable(`${id} is removed`)}\n`);
    });
}

function deadLettersCommand(context: CliContext): Command {
  return aboutOne('dead-letters')
    .description('list what a channel could not be told, the latest first')
    .action(async (id: string, options: ServerCommandOptions) => {
      const answer = await apiOf(options, context).json<{ deadLetters: DeadLetter[] }>(
        'GET',
        channelPath(id, '/dead-letters'),
      );
      const rows = answer.deadLetters.map((letter) => [
        letter.id,
        timeText(letter.diedAt),
        String(letter.attempts),
        letter.type,
        letter.alert,
        letter.error,
      ]);
      const text =
        rows.length > 0 ? table(deadLetterColumns, rows, context.terminal.columns) : 'no dead letters\n';
      print(context, options, answer, text);
    });
}

function retryCommand(context: CliContext): Command {
  return aboutOne('retry')
    .description('send dead letters again')
    .argument('[letters...]', 'their ids, ntf_... (default: all)')
    .action(async (id: string, letters: readonly string[], options: ServerCommandOptions) => {
      const body = checkedBody('list of dead letters', deadLetterRetrySchema, {
        ...(letters.length > 0 && { ids: letters }),
      });
      const answer = await apiOf(options, context).json<{ count: number }>(
        'POST',
        channelPath(id, '/dead-letters/retry'),
        {},
        body,
      );
      print(context, options, answer, `${printable(`${answer.count} sent again`)}\n`);
    });
}

/** Where a target leads to, as far as it is told. */
function leadsTo({ url, host, port, to }: Channel['target']): string {
  if (typeof url === 'string') return url;
  const mailboxes = Array.isArray(to) ? `${to.join(', ')} by ` : '';
  return host === undefined ? 'standard output' : `${mailboxes}${String(host)}:${String(port)}`;
}

/** How a channel is doing. */
function stateText({ isEnabled, disabledBecause, retryAt, lastError, lastDeliveredAt }: Channel): string {
  if (!isEnabled) return disabledBecause === null ? 'disabled' : `disabled: ${disabledBecause}`;
  if (retryAt !== null) return `failing: ${lastError ?? 'unknown'}; again at ${timeText(retryAt)}`;
  if (lastError !== null) return `last time: ${lastError}`;
  return lastDeliveredAt === null ? 'nothing sent yet' : `delivered ${timeText(lastDeliveredAt)}`;
}
