import { Command } from 'commander';
import { rebuildIndex } from '../rebuild-index.ts';
import { type CliContext, dataOption, neededDataOf } from './context.ts';
import { jsonLine } from './printable.ts';
import { ProgressBar } from './progress-bar.ts';

/** `sealtrail rebuild` */
export function rebuildCommand(context: CliContext): Command {
  const { terminal, signal } = context;
  return new Command('rebuild')
    .description('make the search index of a data folder again from its log (the server must be stopped)')
    .addOption(dataOption())
    .option('--json', 'output for machines')
    .action(async (options: { data?: string; json?: true }) => {
      const data = neededDataOf(options, context);
      const startMs = performance.now();
      using progress = new ProgressBar(terminal, 'indexing');
      const { entries } = await rebuildIndex(data, (done, total) => progress.show(done, total), signal);
      const seconds = (performance.now() - startMs) / 1000;
      terminal.out(
        options.json
          ? jsonLine({ entries, seconds })
          : `${entries.toLocaleString('en')} entries indexed in ${seconds.toFixed(1)} s\n`,
      );
    });
}
