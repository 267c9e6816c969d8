import {
  type ChannelKind,
  type ChannelWithSecret,
  newChannelSchema,
  SealtrailError,
  severities,
} from '@sealtrail/core';
import { Command, Option } from 'commander';
import { type KindOfChannel, type KindOptions, kindsOfChannels } from './channel-kinds.ts';
import { givenSecret } from './channel-secret.ts';
import { checkedBody } from './checked-body.ts';
import { apiOf, type CliContext, print, type ServerCommandOptions, withServer } from './context.ts';
import { printable } from './printable.ts';
import { durationMs } from './time-text.ts';

interface AddOptions extends ServerCommandOptions {
  readonly toUrl?: string;
  readonly toUrlFile?: string;
  readonly secretFile?: string;
  readonly minLevel?: string;
  readonly rule?: readonly string[];
  readonly trail?: readonly string[];
  readonly tenant?: readonly string[];
  readonly wait?: string;
  readonly interval?: string;
  readonly repeat?: string;
  readonly personalData?: true;
  readonly disabled?: true;
}

const urlVariable = 'SEALTRAIL_CHANNEL_URL';
const secretVariable = 'SEALTRAIL_CHANNEL_SECRET';

/** `sealtrail channel add`, with a command for each kind. */
export function channelAddCommand(context: CliContext): Command {
  const add = new Command('add').description('add a channel: sealtrail channel add webhook NAME --help');
  for (const kind of Object.keys(kindsOfChannels) as ChannelKind[])
    add.addCommand(kindCommand(kind, context));
  return add;
}

function kindCommand(kind: ChannelKind, context: CliContext): Command {
  const { description, url, secret, options: ownOptions } = kindsOfChannels[kind];
  const command = new Command(kind).description(description).argument('<name>', 'what the channel is called');
  if (url !== undefined)
    command
      .option(
        '--to-url <url>',
        `where it leads to (better, where it is a secret: ${urlVariable} or --to-url-file)`,
      )
      .option('--to-url-file <file>', 'a file with the address; - for standard input');
  for (const option of ownOptions()) command.addOption(option);
  if (secret !== undefined)
    command.option(
      '--secret-file <file>',
      `a file with ${secret.what}; - for standard input (or ${secretVariable})`,
    );
  return withServer(
    command
      .addOption(
        new Option('--min-level <level>', 'alerts of this level and above (default medium)').choices(
          severities,
        ),
      )
      .option('--rule <key...>', 'alerts of these rules (default: all)')
      .option('--trail <trail...>', 'alerts in these trails (default: all)')
      .option('--tenant <tenant...>', 'alerts of these tenants (default: all)')
      .option('--wait <duration>', 'from the opening of an alert until it is told (default 0s)')
      .option('--interval <duration>', 'between two times that an alert is told which goes on (default 5m)')
      .option(
        '--repeat <duration>',
        'until an alert that nobody has taken up is told again (default 4h; 0s: never)',
      )
      .option('--personal-data', 'let names and full addresses leave the server')
      .option('--disabled', 'do not use it yet'),
  ).action((name: string, options: AddOptions & KindOptions) => addChannel(kind, name, options, context));
}

async function addChannel(
  kind: ChannelKind,
  name: string,
  options: AddOptions & KindOptions,
  context: CliContext,
): Promise<void> {
  const body = checkedBody('channel', newChannelSchema, {
    name,
    target: { kind, ...(await targetOf(kindsOfChannels[kind], options, context)) },
    filter: {
      minLevel: options.minLevel,
      rules: options.rule,
      trails: options.trail,
      tenants: options.tenant,
    },
    timers: {
      waitMs: msOf('--wait', options.wait),
      intervalMs: msOf('--interval', options.interval),
      repeatMs: msOf('--repeat', options.repeat),
    },
    personalData: options.personalData,
    isEnabled: !options.disabled,
  });
  const channel = await apiOf(options, context).json<ChannelWithSecret>('POST', 'v1/channels', {}, body);
  print(context, options, channel, addedText(channel));
}

async function targetOf(
  { url: needsUrl, secret: wanted, target }: KindOfChannel,
  options: AddOptions & KindOptions,
  context: CliContext,
): Promise<object> {
  if (options.toUrlFile === '-' && options.secretFile === '-')
    throw new SealtrailError(
      'invalid_parameter',
      'expected only one of --to-url-file and --secret-file to be -',
    );
  const url =
    needsUrl === undefined
      ? undefined
      : (options.toUrl ?? (await givenSecret(options.toUrlFile, urlVariable, context)));
  if (needsUrl === 'needed' && url === undefined)
    throw new SealtrailError('invalid_parameter', `expected --to-url, --to-url-file or ${urlVariable}`);
  const secret =
    wanted === undefined ? undefined : await givenSecret(options.secretFile, secretVariable, context);
  if (wanted?.isNeeded && secret === undefined)
    throw new SealtrailError(
      'invalid_parameter',
      `expected ${wanted.what} by --secret-file or ${secretVariable}`,
    );
  return target(options, url, secret);
}

const msOf = (option: string, text: string | undefined): number | undefined =>
  text === undefined ? undefined : durationMs(option, text);

function addedText({ id, secret }: ChannelWithSecret): string {
  const key = secret === null ? [] : ['its key, shown this once:', `  ${secret}`];
  return [`${id} is added; try it: channel test ${id}`, ...key]
    .map((line) => `${printable(line)}\n`)
    .join('');
}
