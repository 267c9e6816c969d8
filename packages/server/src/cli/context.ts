import type { Readable } from 'node:stream';
import { SealtrailError } from '@sealtrail/core';
import { type Command, Option } from 'commander';
import { jsonLine } from './printable.ts';
import { ServerApi, type ServerOptions } from './server-api.ts';
import type { Terminal } from './terminal.ts';

/** What commands share. */
export interface CliContext {
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  /** Aborted with an {@link Interruption} on Ctrl-C, on termination, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
  /** What the process will exit with when the command returns. */
  setExitCode(code: number): void;
}

/** `--url` and `--token` of commands that talk to a server. */
export function withServer(command: Command): Command {
  return command
    .addOption(
      new Option('--url <url>', 'address of the server')
        .env('SEALTRAIL_URL')
        .default('http://127.0.0.1:7600'),
    )
    .addOption(
      new Option(
        '--token <token>',
        'bearer token (better: SEALTRAIL_TOKEN, which no process list shows)',
      ).env('SEALTRAIL_TOKEN'),
    )
    .option('--json', 'output for machines');
}

export const apiOf = (options: ServerOptions, { signal }: CliContext): ServerApi =>
  new ServerApi(options, signal);

/** Options of commands that talk to a server. */
export interface ServerCommandOptions extends ServerOptions {
  readonly json?: true;
}

/** Writes what a command has to say: the value with `--json`, otherwise the text. */
export const print = (
  { terminal }: Pick<CliContext, 'terminal'>,
  { json }: Pick<ServerCommandOptions, 'json'>,
  value: unknown,
  text: string,
): void => terminal.out(json ? jsonLine(value) : text);

/** `--data` of commands that work on a folder which is there; `SEALTRAIL_DATA` stands for it. */
export const dataOption = (): Option => new Option('--data <dir>', 'data folder (SEALTRAIL_DATA)');

/** The data folder that was given: explicitly, or else by the environment; an empty variable is none. */
export const dataOf = (
  { data }: { readonly data?: string },
  { environment }: Pick<CliContext, 'environment'>,
): string | undefined => data ?? (environment['SEALTRAIL_DATA'] || undefined);

/** As `dataOf`. @throws SealtrailError invalid_parameter */
export function neededDataOf(
  options: { readonly data?: string },
  context: Pick<CliContext, 'environment'>,
): string {
  const data = dataOf(options, context);
  if (data === undefined) throw new SealtrailError('invalid_parameter', 'expected --data or SEALTRAIL_DATA');
  return data;
}
