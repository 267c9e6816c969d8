import { Interruption } from './interruption.ts';
import { exitCodes, runCommandLine } from './program.ts';
import { processTerminal } from './terminal.ts';

/** Runs the command line of this process. The first signal asks for an orderly end, a second one ends at once. */
export async function main(argv: readonly string[]): Promise<void> {
  const stop = new AbortController();
  const onSignal = (signal: 'SIGINT' | 'SIGTERM'): void => {
    // Nobody listens to a second one, so the system ends the process, whatever it is doing.
    for (const name of ['SIGINT', 'SIGTERM']) process.off(name, onSignal);
    stop.abort(Interruption.by(signal));
  };
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, onSignal);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (stop.signal.aborted) return;
    const interruption = outputFailure(error);
    process.exitCode = interruption.exitCode;
    stop.abort(interruption);
  });
  // There is nowhere left to say that nothing can be said.
  process.stderr.on('error', () => {});
  await runCommandLine(argv.slice(2), {
    terminal: processTerminal(process),
    environment: process.env,
    stdin: process.stdin,
    signal: stop.signal,
    setExitCode: (code) => {
      process.exitCode = code;
    },
  });
  for (const name of ['SIGINT', 'SIGTERM']) process.off(name, onSignal);
  // What a command was still reading, such as standard input, must not keep the process.
  if (stop.signal.aborted) process.exit();
}

/** A reader that goes away (`| head`) ends a command quietly, as it ends others; anything else is told. */
function outputFailure(error: NodeJS.ErrnoException): Interruption {
  if (error.code === 'EPIPE') return Interruption.by('SIGPIPE');
  process.stderr.write(`sealtrail: the output cannot be written: ${error.message}\n`);
  return new Interruption('the output cannot be written', exitCodes.failed);
}
