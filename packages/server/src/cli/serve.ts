import { Command } from 'commander';
import { parseConfig } from '../config.ts';
import { openEngine } from '../main.ts';
import { serveEngine, showFirstToken } from '../serve-engine.ts';
import type { CliContext } from './context.ts';

interface ServeOptions {
  readonly data?: string;
  readonly host?: string;
  readonly port?: string;
  readonly origin?: string;
  readonly publishEveryMs?: string;
  readonly logLevel?: 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug';
  readonly redact?: readonly string[];
  readonly trustProxy?: readonly string[];
  readonly locations?: readonly string[];
  readonly allowTarget?: readonly string[];
  /** False with --no-detection. */
  readonly detection: boolean;
  readonly lateness?: string;
  readonly verifyEvery?: string;
  readonly witnesses?: string;
}

/** `sealtrail serve` */
export function serveCommand(context: CliContext): Command {
  return new Command('serve')
    .description('run the server on a data folder')
    .option('--data <dir>', 'data folder (SEALTRAIL_DATA); made when it is not there')
    .option('--host <host>', 'address to listen on (SEALTRAIL_HOST, default 127.0.0.1)')
    .option('--port <port>', 'port to listen on (SEALTRAIL_PORT, default 7600)')
    .option(
      '--origin <name>',
      'prefix of the origins of trails, such as audit.example.com; fixed when the folder is made',
    )
    .option('--publish-every-ms <ms>', 'longest time until a checkpoint covers an entry (default 1000)')
    .option('--redact <path...>', 'field paths removed from every event, such as actor.email')
    .option(
      '--trust-proxy <cidr...>',
      'addresses and CIDR ranges of proxies whose X-Forwarded-For or Forwarded is believed (SEALTRAIL_TRUST_PROXY, default none)',
    )
    .option(
      '--allow-target <host...>',
      'private hosts, addresses and CIDR ranges that channels may lead to (SEALTRAIL_ALLOWED_TARGETS, default none)',
    )
    .option(
      '--locations <file...>',
      'databases that say where addresses are: .mmdb, City or Country, ASN, Anonymous IP (SEALTRAIL_LOCATIONS)',
    )
    .option('--no-detection', 'do not hold events against rules')
    .option(
      '--lateness <seconds>',
      'how long events may be behind the latest one and still count in correlations (default 10)',
    )
    .option(
      '--verify-every <hours>',
      'how often the server verifies its own log, into the trail system (default 24; 0: never)',
    )
    .option(
      '--witnesses <file>',
      'trust policy whose witnesses, each with an address, are asked to cosign (SEALTRAIL_WITNESSES, default none)',
    )
    .option('--log-level <level>', 'silent, fatal, error, warn, info or debug')
    .action((options: ServeOptions) => serve(options, context));
}

async function serve(options: ServeOptions, { terminal, environment, signal }: CliContext): Promise<void> {
  const config = parseConfig(
    {
      dir: options.data,
      host: options.host,
      port: options.port,
      originPrefix: options.origin,
      publishEveryMs: options.publishEveryMs,
      logLevel: options.logLevel,
      allowedTargets: options.allowTarget,
      locations: options.locations,
      witnesses: options.witnesses,
      detection: options.detection,
      verifyEveryMs: options.verifyEvery === undefined ? undefined : 3_600_000 * Number(options.verifyEvery),
      detectionLatenessMs: options.lateness === undefined ? undefined : 1000 * Number(options.lateness),
      trustProxy: options.trustProxy,
      ...(options.redact && { redaction: { paths: options.redact } }),
    },
    { SEALTRAIL_DATA: './sealtrail-data', ...environment },
  );
  await using engine = await openEngine(config);
  await using server = await serveEngine(engine);
  await showFirstToken(engine, ({ secret }) =>
    terminal.out(
      [
        '',
        '  Admin token, shown this once:',
        '',
        `    ${secret}`,
        '',
        '  Now copy trust-policy.txt from the data folder to where you will verify:',
        '  the keys in your copy are those that are trusted.',
        '',
        '',
      ].join('\n'),
    ),
  );
  terminal.out(`Sealtrail listens on ${server.url}\n`);
  terminal.out(`  data folder   ${config.dir}\n`);
  terminal.out(`  API document  ${server.url}/openapi.json\n`);
  await Promise.race([stopped(signal), engine.failed]);
  terminal.out('Stopping: running requests end, a last checkpoint is signed.\n');
}

const stopped = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
