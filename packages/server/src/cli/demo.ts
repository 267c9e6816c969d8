import { Command } from 'commander';
import { runDemo } from '../demo.ts';
import type { CliContext } from './context.ts';

/** `sealtrail demo` */
export function demoCommand({ terminal, signal }: CliContext): Command {
  return new Command('demo')
    .description('run a server, a sample shop and real traffic with an attack in it')
    .option('--data <dir>', 'data folder to keep; default: a temporary one, removed at the end')
    .option('--port <port>', 'port of the server', '7600')
    .option('--rounds <n>', 'rounds of traffic; default: until stopped')
    .action(async (options: { data?: string; port: string; rounds?: string }) => {
      await runDemo({
        ...(options.data !== undefined && { data: options.data }),
        host: '127.0.0.1',
        port: Number(options.port),
        rounds: options.rounds === undefined ? undefined : Number(options.rounds),
        signal,
        print: terminal.out,
      });
    });
}
