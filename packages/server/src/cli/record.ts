import { randomUUID } from 'node:crypto';
import { type IngestResponse, SealtrailError } from '@sealtrail/core';
import { Command } from 'commander';
import { apiOf, type CliContext, withServer } from './context.ts';
import type { EventOptions } from './events.ts';
import { openInput } from './input-file.ts';
import { interruptionOf } from './interruption.ts';
import { jsonLine, printable } from './printable.ts';
import { type FileOutcome, howToGoOn, notUnderstood, recordFile } from './record-file.ts';
import { jsonBody } from './server-api.ts';

interface RecordOptions extends EventOptions {
  readonly action?: string;
  readonly actor?: string;
  readonly target?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly partial?: true;
  readonly run?: string;
}

/** `sealtrail record`: one event from the arguments, or many from a file or standard input. */
export function recordCommand(context: CliContext): Command {
  return withServer(new Command('record'))
    .description('report events: one by its parts, or JSON lines from a file (- for standard input)')
    .argument(
      '[file]',
      'file of JSON lines, or -; it is sent in order, and up to the first line that is refused',
    )
    .option('--action <action>', 'what was done, such as user.login')
    .option('--actor <id>', 'who did it')
    .option('--target <type:id>', 'what it was done to')
    .option('--outcome <outcome>', 'success, failure, denied or unknown')
    .option('--reason <text>', 'why')
    .option('--trail <trail>', 'the trail (default main)')
    .option('--partial', 'store the good events of a file and report the others')
    .option('--run <name>', 'a name for a file: recorded again under it, no line is stored twice')
    .action(async (file: string | undefined, options: RecordOptions) => {
      if ((file !== undefined) === (options.action !== undefined))
        throw new SealtrailError('invalid_parameter', 'expected either a file or --action');
      if (file === undefined) await recordOne(options, context);
      else await recordMany(file, options, context);
    });
}

async function recordOne(options: RecordOptions, context: CliContext): Promise<void> {
  const answer = await apiOf(options, context).json<IngestResponse>(
    'POST',
    'v1/events',
    {},
    jsonBody(eventOf(options)),
  );
  if (options.json) context.terminal.out(jsonLine(answer));
  else
    for (const { trail, index, leafHash, id } of answer.receipts)
      context.terminal.out(`${printable(`${trail} ${index}  ${id}  leaf ${leafHash}`)}\n`);
  // Of one event the server stores all or nothing: whoever answers with both is none of ours.
  if (answer.errors !== undefined) throw notUnderstood();
}

async function recordMany(file: string, options: RecordOptions, context: CliContext): Promise<void> {
  const { terminal, stdin, signal } = context;
  const run = options.run ?? randomUUID();
  const outcome: FileOutcome = { receipts: [], errors: [] };
  const chunks = file === '-' ? stdin : await openInput(file);
  const isPartial = options.partial === true;
  const tell = (): void => {
    const { receipts, errors } = outcome;
    if (options.json) terminal.out(jsonLine({ receipts, ...(isPartial && { errors }) }));
    else terminal.out(`${receipts.length} events stored, ${errors.length} refused\n`);
    for (const { line, pointer, message } of errors)
      terminal.err(`${printable(`line ${line}: ${pointer ?? ''} ${message}`)}\n`);
  };
  try {
    await recordFile({ api: apiOf(options, context), chunks, run, isPartial, signal }, outcome);
  } catch (error) {
    // What is stored stays so, whatever came then.
    if (outcome.receipts.length + outcome.errors.length > 0) {
      tell();
      if (interruptionOf(error)) terminal.err(`${printable(howToGoOn(run))}\n`);
    }
    throw error;
  } finally {
    // A terminal or a pipe that goes on would keep the process.
    if (file === '-') stdin.destroy();
  }
  tell();
  if (outcome.errors.length > 0) context.setExitCode(1);
}

function eventOf(options: RecordOptions): object {
  const [type, ...id] = options.target?.split(':') ?? [];
  return {
    action: options.action,
    ...(options.actor !== undefined && { actor: { type: 'user', id: options.actor } }),
    ...(options.outcome !== undefined && { outcome: options.outcome }),
    ...(options.reason !== undefined && { reason: options.reason }),
    ...(options.trail !== undefined && { trail: options.trail }),
    ...(type !== undefined && { targets: [{ type, ...(id.length > 0 && { id: id.join(':') }) }] }),
  };
}
