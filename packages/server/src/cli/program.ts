import { reasonOf, SealtrailError } from '@sealtrail/core';
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../package-version.ts';
import type { CliContext } from './context.ts';
import { interruptionOf } from './interruption.ts';
import { invocation } from './invocation.ts';
import { jsonLine, printable } from './printable.ts';

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

/** Makes a command. */
type CommandMaker = (context: CliContext) => Command;

/**
 * Commands by name, each with the module that it is in. Only what is asked for is read: a command that asks a server does
 * not wait for all that a server is made of.
 */
const commands: Readonly<Record<string, () => Promise<CommandMaker>>> = {
  serve: async () => (await import('./serve.ts')).serveCommand,
  demo: async () => (await import('./demo.ts')).demoCommand,
  record: async () => (await import('./record.ts')).recordCommand,
  import: async () => (await import('./import.ts')).importCommand,
  query: async () => (await import('./events.ts')).queryCommand,
  tail: async () => (await import('./events.ts')).tailCommand,
  verify: async () => (await import('./verify.ts')).verifyCommand,
  prove: async () => (await import('./events.ts')).proveCommand,
  token: async () => (await import('./admin.ts')).tokenCommand,
  trail: async () => (await import('./admin.ts')).trailCommand,
  alert: async () => (await import('./alerts.ts')).alertCommand,
  silence: async () => (await import('./silences.ts')).silenceCommand,
  channel: async () => (await import('./channels.ts')).channelCommand,
  rules: async () => (await import('./rules.ts')).rulesCommand,
  rebuild: async () => (await import('./rebuild.ts')).rebuildCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
};

/** Builds the command line: of one command where the first argument names it, and otherwise of all. */
async function createProgram(context: CliContext, first: string | undefined): Promise<Command> {
  const program = new Command('sealtrail')
    .description('Sealtrail: a security audit log in which nothing changes unnoticed')
    .version(packageVersion())
    .showHelpAfterError(`(${invocation(context.environment).command} --help shows what there is)`)
    .configureOutput({ writeOut: context.terminal.out, writeErr: context.terminal.err })
    .exitOverride();
  const isOne = first !== undefined && Object.hasOwn(commands, first);
  const makers = isOne ? [commands[first]!] : first === '--version' ? [] : Object.values(commands);
  for (const maker of makers) program.addCommand(underControl((await maker())(context), context));
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
    const program = await createProgram(context, args[0]);
    await program.parseAsync([...args], { from: 'user' });
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
