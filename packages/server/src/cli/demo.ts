import { existsSync } from 'node:fs';
import { SealtrailError } from '@sealtrail/core';
import { Command } from 'commander';
import { type DemoStep, runDemo } from '../demo.ts';
import type { CliContext } from './context.ts';
import { farewell, introduction } from './demo-guide.ts';
import { invocation } from './invocation.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';
import { cutText } from './text-width.ts';

interface DemoCommandOptions {
  readonly data?: string;
  readonly port: string;
  readonly rounds?: string;
}

/** `sealtrail demo` */
export function demoCommand({ terminal, environment, signal }: CliContext): Command {
  return (
    new Command('demo')
      .description('run a server, a sample shop and real traffic with an attack in it')
      // SEALTRAIL_DATA is not asked: made-up events have no place in a log that is kept.
      .option('--data <dir>', 'data folder; default: a new temporary one')
      .option('--port <port>', 'port of the server', '7600')
      .option('--rounds <n>', 'rounds of traffic; default: until stopped')
      .action(async ({ data, port, rounds }: DemoCommandOptions) => {
        if (rounds !== undefined && !/^[1-9]\d{0,8}$/.test(rounds))
          throw new SealtrailError('invalid_parameter', `expected a number of rounds, got ${rounds}`);
        const how = invocation(environment);
        using steps = new StepLines(terminal);
        const { dir, events } = await runDemo({
          ...(data !== undefined && { data }),
          host: '127.0.0.1',
          port: Number(port),
          rounds: rounds === undefined ? undefined : Number(rounds),
          signal,
          onReady: (scene) => terminal.out(`${introduction(scene, how)}\n`),
          onStep: (step, kind, count) => steps.show(step, kind, count),
        });
        steps.clear();
        terminal.out(farewell({ dir, events, copy: freeName(`${dir}.copy`) }, how));
      })
  );
}

/** What a terminal writes behind the line that is drawn over, and one column more, so that it does not wrap. */
const roomForCtrlC = '^C'.length + 1;
/** Steps of an attack, which stay. */
const keptSteps = 4;

/**
 * Steps of the traffic. In a terminal they take one line together, which is drawn over, but for those of the first
 * attack: what to try stays in sight. Elsewhere each has its line.
 */
class StepLines implements Disposable {
  readonly #terminal: Terminal;
  readonly #isDrawn: boolean;
  #kept = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#isDrawn = terminal.isInteractive && Number.isFinite(terminal.columns);
  }

  show(step: string, kind: DemoStep, events: number): void {
    this.clear();
    const text = printable(`  ${step}`);
    const isKept = kind === 'attack' && this.#kept < keptSteps;
    if (isKept) this.#kept++;
    if (isKept || !this.#isDrawn) this.#terminal.out(`${text}\n`);
    else
      this.#terminal.draw(
        cutText(
          `  ${events.toLocaleString('en')} events ${text}`,
          this.#terminal.progressColumns - roomForCtrlC,
        ),
      );
  }

  clear(): void {
    if (this.#isDrawn) this.#terminal.draw('\r\u001b[K');
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}

/** A name at which there is nothing yet. */
function freeName(wanted: string): string {
  let name = wanted;
  for (let n = 2; existsSync(name); n++) name = `${wanted}${n}`;
  return name;
}
