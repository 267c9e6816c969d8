import { Command } from 'commander';
import { examine } from '../doctor.ts';
import type { CliContext } from './context.ts';
import { table } from './terminal.ts';

const marks = { good: '✓', warning: '!', bad: '✗' } as const;

/** `sealtrail doctor` */
export function doctorCommand(context: CliContext): Command {
  return new Command('doctor')
    .description('look at an installation and its data folder, and say what is wrong')
    .requiredOption('--data <dir>', 'data folder')
    .option('--json', 'output for machines')
    .action(async (options: { data: string; json?: true }) => {
      const findings = await examine(options.data);
      const rows = findings.map(({ state, what, message }) => [marks[state], what, message]);
      context.terminal.out(
        options.json ? `${JSON.stringify({ findings })}\n` : table(['', 'WHAT', 'FINDING'], rows, 1000),
      );
      if (findings.some(({ state }) => state === 'bad')) context.setExitCode(1);
    });
}
