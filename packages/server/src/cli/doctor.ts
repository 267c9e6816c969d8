import { Command } from 'commander';
import { examine, type Finding } from '../doctor.ts';
import { type CliContext, dataOption, neededDataOf } from './context.ts';
import { jsonLine, printable } from './printable.ts';
import { wrap } from './text-width.ts';

const marks = { good: '✓', warning: '!', bad: '✗' } as const;

/** `sealtrail doctor` */
export function doctorCommand(context: CliContext): Command {
  return new Command('doctor')
    .description('look at an installation and its data folder, and say what is wrong')
    .addOption(dataOption())
    .option('--json', 'output for machines')
    .action(async (options: { data?: string; json?: true }) => {
      const findings = await examine(neededDataOf(options, context));
      context.terminal.out(
        options.json
          ? jsonLine({ findings })
          : findings.map((finding) => lineOf(finding, context.terminal.columns)).join(''),
      );
      if (findings.some(({ state }) => state === 'bad')) context.setExitCode(1);
    });
}

const whatColumns = 'trust policy'.length;

/** What was looked at, and beside it what was found, in as many lines as it takes. */
function lineOf({ state, what, message }: Finding, columns: number): string {
  const indent = 2 + whatColumns + 2;
  const [first, ...rest] = wrap(printable(message), columns - indent);
  return [
    `${marks[state]} ${what.padEnd(whatColumns)}  ${first}`,
    ...rest.map((line) => ' '.repeat(indent) + line),
  ]
    .map((line) => `${line}\n`)
    .join('');
}
