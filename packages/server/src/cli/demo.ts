import { existsSync } from 'node:fs';
import { type Alert, SealtrailError, severities } from '@sealtrail/core';
import { Command } from 'commander';
import { type DemoStep, runDemo } from '../demo.ts';
import { aboutText } from './alert-text.ts';
import type { CliContext } from './context.ts';
import { alertGuide, farewell, introduction } from './demo-guide.ts';
import { type Invocation, invocation } from './invocation.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';
import { cutText, wrap } from './text-width.ts';

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
        using story = new Story(terminal, how);
        const { dir, events } = await runDemo({
          ...(data !== undefined && { data }),
          host: '127.0.0.1',
          port: Number(port),
          rounds: rounds === undefined ? undefined : Number(rounds),
          signal,
          onReady: (scene) => terminal.out(`${introduction(scene, how)}\n`),
          onStep: (step, kind, count) => story.step(step, kind, count),
          onAlert: (alert) => story.alert(alert),
        });
        story.clear();
        terminal.out(farewell({ dir, events, copy: freeName(`${dir}.copy`) }, how));
      })
  );
}

/** What a terminal writes behind the line that is drawn over, and one column more, so that it does not wrap. */
const roomForCtrlC = '^C'.length + 1;
/** Steps of an attack, and alerts, which stay: those of the first attack. */
const keptSteps = 4;
const keptAlerts = 20;
/** Visits after an attack until all of its alerts are there: some wait until no late event can change them. */
const visitsUntilGuide = 8;

/**
 * What happens. In a terminal it takes one line together, which is drawn over, but for the first attack and its alerts:
 * what to try stays in sight. Elsewhere each step and each alert has its line.
 */
class Story implements Disposable {
  readonly #terminal: Terminal;
  readonly #how: Invocation;
  readonly #isDrawn: boolean;
  #steps = 0;
  #visitsSince = 0;
  #events = 0;
  #alerts = 0;
  #worst: Alert | undefined;

  constructor(terminal: Terminal, how: Invocation) {
    this.#terminal = terminal;
    this.#how = how;
    this.#isDrawn = terminal.isInteractive && Number.isFinite(terminal.columns);
  }

  step(step: string, kind: DemoStep, events: number): void {
    this.#events = events;
    if (kind === 'visit' && this.#steps === keptSteps && ++this.#visitsSince === visitsUntilGuide)
      this.#guide();
    const isKept = kind === 'attack' && this.#steps < keptSteps;
    if (isKept) this.#steps++;
    this.#show(step, isKept);
  }

  alert(alert: Alert): void {
    this.#alerts++;
    if (this.#worst === undefined || rankOf(alert) > rankOf(this.#worst)) this.#worst = alert;
    this.#show(`ALERT ${alert.level}: ${alert.rule.title}: ${aboutText(alert)}`, this.#alerts <= keptAlerts);
  }

  clear(): void {
    if (this.#isDrawn) this.#terminal.draw('\r\u001b[K');
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  #show(text: string, isKept: boolean): void {
    this.clear();
    const safe = printable(text);
    if (isKept || !this.#isDrawn) {
      for (const [n, line] of wrap(safe, this.#terminal.columns - 4).entries())
        this.#terminal.out(`${n === 0 ? '  ' : '    '}${line}\n`);
      return;
    }
    const counts = `  ${counted(this.#events, 'event')}, ${counted(this.#alerts, 'alert')}   `;
    this.#terminal.draw(cutText(counts + safe, this.#terminal.progressColumns - roomForCtrlC));
  }

  /** What to do with the worst alert so far. */
  #guide(): void {
    if (this.#worst === undefined) return;
    this.clear();
    this.#terminal.out(alertGuide(this.#worst, this.#how));
  }
}

const rankOf = ({ level }: Alert): number => severities.indexOf(level);

const counted = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

/** A name at which there is nothing yet. */
function freeName(wanted: string): string {
  let name = wanted;
  for (let n = 2; existsSync(name); n++) name = `${wanted}${n}`;
  return name;
}
