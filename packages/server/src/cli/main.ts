import { runCommandLine } from './program.ts';
import { processTerminal } from './terminal.ts';

/** Runs the command line of this process. The first signal asks for an orderly end, a second one ends at once. */
export async function main(argv: readonly string[]): Promise<void> {
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // A reader that goes away (`| head`) ends the output, not the program with a stack trace.
  process.stdout.on('error', () => process.exit(0));
  await runCommandLine(argv.slice(2), {
    terminal: processTerminal(),
    environment: process.env,
    stdin: process.stdin,
    signal: stop.signal,
    setExitCode: (code) => {
      process.exitCode = code;
    },
  });
  process.off('SIGINT', onSignal);
  process.off('SIGTERM', onSignal);
}
