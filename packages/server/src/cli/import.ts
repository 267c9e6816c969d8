import { stat } from 'node:fs/promises';
import { defaultTrail, parseTime, SealtrailError } from '@sealtrail/core';
import { builtInSource, builtInSources, type LineClock } from '@sealtrail/core/sources';
import { Command } from 'commander';
import { apiOf, type CliContext, withServer } from './context.ts';
import { openDeadLetters } from './dead-letter-file.ts';
import { type DeadLine, type ImportOutcome, importFile } from './import-file.ts';
import { openInput } from './input-file.ts';
import { interruptionOf } from './interruption.ts';
import { jsonLine, printable } from './printable.ts';
import { ProgressBar } from './progress-bar.ts';
import type { ServerOptions } from './server-api.ts';

interface ImportOptions extends ServerOptions {
  readonly format: string;
  readonly trail?: string;
  readonly tenant?: string;
  readonly at?: string;
  readonly deadLetters?: string;
  readonly json?: true;
}

/** Dead letters that are shown where they go to no file. */
const maxShown = 20;
/** And that are in the output for machines. */
const maxListed = 1000;

/** What is so old is history: correlations wait for seconds. */
const historyMs = 60_000;

const howToGoOn = 'import the file again, and nothing is stored twice';

const formats = (): string => `one of ${[...builtInSources().keys()].join(', ')}`;

/** `sealtrail import`: records of other products out of a file or standard input. */
export function importCommand(context: CliContext): Command {
  return withServer(new Command('import'))
    .description('import a log of another product; again as often as wanted, nothing is stored twice')
    .argument('<file>', 'the log, gzip or not, of any size; - for standard input')
    .requiredOption('--format <format>', formats())
    .option('--trail <trail>', 'the trail (default main)')
    .option('--tenant <tenant>', 'the tenant that all of it belongs to')
    .option(
      '--at <time>',
      'of lines without a year or a time zone: when they were written at the latest, and in which zone (default: when the file was changed, in UTC)',
    )
    .option('--dead-letters <file>', 'where records go that cannot be imported, as JSON lines')
    .action((file: string, options: ImportOptions) => importLog(file, options, context));
}

async function importLog(file: string, options: ImportOptions, context: CliContext): Promise<void> {
  const { terminal, stdin, signal } = context;
  const source = builtInSource(options.format);
  if (source === undefined)
    throw new SealtrailError('invalid_parameter', `--format: expected ${formats()}, got ${options.format}`);
  const info = file === '-' ? undefined : await stat(file).catch(() => undefined);
  const at = options.at ?? (info?.isFile() ? info.mtime.toISOString() : undefined);
  const clock = clockOf(at);
  const input = counted(file === '-' ? stdin : await openInput(file));
  await using letters = await openDeadLetters(options.deadLetters, file);
  const outcome: ImportOutcome = {
    ...{ accepted: 0, duplicates: 0, skipped: 0, rejected: 0 },
    earliest: null,
  };
  const dead: Omit<DeadLine, 'text'>[] = [];
  try {
    using bar = new ProgressBar(terminal, 'importing');
    await importFile(
      {
        api: apiOf(options, context),
        source,
        chunks: input.chunks,
        clock,
        parameters: { trail: options.trail, tenant: options.tenant, at },
        signal,
        onDead: (line) => {
          const { text: _text, ...shown } = line;
          if (dead.length < maxListed) dead.push(shown);
          letters.add(line);
        },
        onProgress: async (records) => {
          bar.show(records, totalOf(records, input.bytes(), info?.size));
          await letters.drained();
        },
      },
      outcome,
    );
  } catch (error) {
    // What is stored stays so, whatever came then.
    if (Object.values(outcome).some((count) => typeof count === 'number' && count > 0)) {
      tell(outcome, dead, options, context);
      if (interruptionOf(error)) terminal.err(`${howToGoOn}\n`);
    }
    throw error;
  } finally {
    // A terminal or a pipe that goes on would keep the process.
    if (file === '-') stdin.destroy();
  }
  await letters.written();
  tell(outcome, dead, options, context);
  if (outcome.rejected > 0) context.setExitCode(1);
}

function tell(
  outcome: ImportOutcome,
  dead: readonly Omit<DeadLine, 'text'>[],
  options: ImportOptions,
  { terminal }: CliContext,
): void {
  const { accepted, duplicates, skipped, rejected } = outcome;
  if (options.json) {
    terminal.out(jsonLine({ ...outcome, deadLetters: dead }));
    return;
  }
  terminal.out(
    `${accepted} records stored, ${duplicates} known already, ${skipped} passed over, ${rejected} refused\n`,
  );
  if (outcome.earliest !== null && Date.now() - Date.parse(outcome.earliest) > historyMs) {
    const trail = options.trail ?? defaultTrail;
    terminal.err(
      `${printable(`the first of them happened at ${outcome.earliest}: correlations of a trail with newer events pass over such, until \`sealtrail rules backfill --trail ${trail}\`; history in a trail of its own is followed`)}\n`,
    );
  }
  if (options.deadLetters !== undefined) {
    if (rejected > 0) terminal.err(`${printable(`those that were refused are in ${options.deadLetters}`)}\n`);
    return;
  }
  for (const { position, code, reason } of dead.slice(0, maxShown))
    terminal.err(`${printable(`${position}: ${reason} (${code})`)}\n`);
  if (rejected > maxShown)
    terminal.err(`and ${rejected - maxShown} more; --dead-letters FILE keeps all of them\n`);
}

/** @throws SealtrailError invalid_parameter */
function clockOf(at: string | undefined): LineClock {
  // The server reads lines against the same time; here only their number matters.
  const latestMs = at === undefined ? Date.now() : parseTime(at);
  if (latestMs === undefined)
    throw new SealtrailError(
      'invalid_parameter',
      '--at: expected an RFC 3339 time, such as 2026-01-31T09:30:00+01:00',
    );
  return { latestMs, offsetMinutes: 0 };
}

/** Chunks, and how many bytes of them have been read. */
function counted(chunks: AsyncIterable<Uint8Array>): {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly bytes: () => number;
} {
  let bytes = 0;
  async function* counting(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  return { chunks: counting(), bytes: () => bytes };
}

/** How many records a file has, judged by those that have been read. */
function totalOf(records: number, bytes: number, size: number | undefined): number | undefined {
  return size === undefined || size === 0 || bytes === 0 ? undefined : Math.round((records * size) / bytes);
}
