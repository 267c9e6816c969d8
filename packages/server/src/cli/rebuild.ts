import { Command } from 'commander';
import { rebuildIndex } from '../main.ts';
import type { CliContext } from './context.ts';
import { jsonLine } from './printable.ts';
import { ProgressBar } from './progress-bar.ts';

/** `sealtrail rebuild` */
export function rebuildCommand({ terminal, signal }: CliContext): Command {
  return new Command('rebuild')
    .description('make the search index of a data folder again from its log (the server must be stopped)')
    .requiredOption('--data <dir>', 'data folder')
    .option('--json', 'output for machines')
    .action(async (options: { data: string; json?: true }) => {
      const startMs = performance.now();
      using progress = new ProgressBar(terminal, 'indexing');
      const { entries } = await rebuildIndex(
        options.data,
        (done, total) => progress.show(done, total),
        signal,
      );
      const seconds = (performance.now() - startMs) / 1000;
      terminal.out(
        options.json
          ? jsonLine({ entries, seconds })
          : `${entries.toLocaleString('en')} entries indexed in ${seconds.toFixed(1)} s\n`,
      );
    });
}
