import { constants } from 'node:os';

/** Why a command was cut short: the reason of the signal that commands are given. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  /** What the process exits with. */
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }

  /** @returns an interruption whose exit code is 128 and the number of the signal, as shells have it */
  static by(signal: 'SIGINT' | 'SIGTERM' | 'SIGPIPE'): Interruption {
    // Windows has no SIGPIPE; everywhere else it is this number.
    return new Interruption(`ended by ${signal}`, 128 + (constants.signals[signal] ?? 13));
  }
}

/** The interruption that an error comes from, if it comes from one: others wrap what they were aborted with. */
export function interruptionOf(error: unknown): Interruption | undefined {
  let cause = error;
  while (cause instanceof Error) {
    if (cause instanceof Interruption) return cause;
    cause = cause.cause;
  }
  return undefined;
}
