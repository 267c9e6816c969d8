import { reasonOf, SealtrailError } from '@sealtrail/core';
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../main.ts';
import { tokenCommand, trailCommand } from './admin.ts';
import { alertCommand } from './alerts.ts';
import { channelCommand } from './channels.ts';
import type { CliContext } from './context.ts';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { proveCommand, queryCommand, tailCommand } from './events.ts';
import { importCommand } from './import.ts';
import { interruptionOf } from './interruption.ts';
import { invocation } from './invocation.ts';
import { jsonLine, printable } from './printable.ts';
import { rebuildCommand } from './rebuild.ts';
import { recordCommand } from './record.ts';
import { rulesCommand } from './rules.ts';
import { serveCommand } from './serve.ts';
import { silenceCommand } from './silences.ts';
import { verifyCommand } from './verify.ts';

/** Exit codes: part of the contract. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

const usageErrors = new Set([
  'invalid_configuration',
  'invalid_query',
  'invalid_parameter',
  'invalid_policy',
  'data_folder_invalid',
  'invalid_cursor',
]);

/** Builds the command line. */
export function createProgram(context: CliContext): Command {
  const program = new Command('sealtrail')
    .description('Sealtrail: a security audit log in which nothing changes unnoticed')
    .version(packageVersion())
    .showHelpAfterError(`(${invocation(context.environment).command} --help shows what there is)`)
    .configureOutput({ writeOut: context.terminal.out, writeErr: context.terminal.err })
    .exitOverride();
  for (const command of [
    serveCommand(context),
    demoCommand(context),
    recordCommand(context),
    importCommand(context),
    queryCommand(context),
    tailCommand(context),
    verifyCommand(context),
    proveCommand(context),
    tokenCommand(context),
    trailCommand(context),
    alertCommand(context),
    silenceCommand(context),
    channelCommand(context),
    rulesCommand(context),
    rebuildCommand(context),
    doctorCommand(context),
  ]) {
    program.addCommand(underControl(command, context));
  }
  return program;
}

/** Commands and their subcommands write where we say and never end the process by themselves. */
function underControl(command: Command, context: Pick<CliContext, 'terminal'>): Command {
  const { terminal } = context;
  for (const subcommand of command.commands) underControl(subcommand, context);
  return command.exitOverride().configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
}

/** Runs one command line to its exit code; errors are written for people, or as JSON with `--json`. */
export async function runCommandLine(args: readonly string[], context: CliContext): Promise<void> {
  try {
    await createProgram(context).parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      context.setExitCode(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage);
      return;
    }
    const interruption = interruptionOf(error);
    if (interruption) {
      context.setExitCode(interruption.exitCode);
      return;
    }
    const known = error instanceof SealtrailError ? error : undefined;
    const message = known?.message ?? reasonOf(error);
    if (args.includes('--json'))
      context.terminal.err(
        jsonLine({ error: { code: known?.code ?? 'internal', message, details: known?.details ?? [] } }),
      );
    else {
      context.terminal.err(`sealtrail: ${printable(message)}${known ? ` (${known.code})` : ''}\n`);
      for (const { position, pointer, message: detail } of known?.details ?? []) {
        context.terminal.err(
          `  ${position === undefined ? '' : `event ${position} `}${printable(`${pointer ?? ''} ${detail}`)}\n`,
        );
      }
    }
    context.setExitCode(known && usageErrors.has(known.code) ? exitCodes.usage : exitCodes.failed);
  }
}
