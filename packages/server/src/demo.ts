import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createRecorder, type Recorder } from '@sealtrail/client';
import { SealtrailError } from '@sealtrail/core';
import { issueToken } from './access/issue-token.ts';
import { parseConfig } from './config.ts';
import { openEngine, serveEngine } from './main.ts';
import { AsyncResources } from './resources.ts';

export interface DemoOptions {
  /** Data folder to keep; absent: a temporary one. */
  readonly data?: string;
  readonly host: string;
  readonly port: number;
  /** Rounds of traffic; absent: until stopped. */
  readonly rounds: number | undefined;
  readonly signal: AbortSignal;
  readonly print: (text: string) => void;
}

/** What the demo needs of the sample shop, which is a package of its own beside this one. */
interface ShopModule {
  createShop(options: { readonly recorder: Recorder }): Parameters<typeof createServer>[1];
  driveTraffic(options: {
    readonly shopUrl: string;
    readonly rounds?: number;
    readonly signal?: AbortSignal;
    readonly onStep?: (step: string) => void;
  }): Promise<void>;
}

/** Starts a server and a captured shop, and drives real traffic through it, an attack included. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { print, signal } = options;
  const shopModule = await importShop();
  const dir = options.data ?? mkdtempSync(path.join(tmpdir(), 'sealtrail-demo-'));
  await using resources = new AsyncResources();
  if (options.data === undefined) resources.defer(() => rmSync(dir, { recursive: true, force: true }));
  const config = parseConfig({ dir, host: options.host, port: options.port, logLevel: 'warn' });
  const engine = resources.use(await openEngine(config));
  const server = resources.use(await serveEngine(engine));
  const demo = { actor: { type: 'system' as const } };
  const ingest = await issueToken(engine, { name: 'demo shop', role: 'ingest', trails: ['main'] }, demo);
  const reader = await issueToken(engine, { name: 'demo reader', role: 'auditor' }, demo);
  const recorder = resources.use(
    createRecorder({
      url: server.url,
      token: ingest.secret,
      defaults: { context: { service: 'shop', environment: 'demo' } },
    }),
  );
  const shop = await listen(createServer(shopModule.createShop({ recorder })));
  resources.defer(
    () =>
      new Promise<void>((resolve) => {
        shop.closeAllConnections();
        shop.close(() => resolve());
      }),
  );
  const shopUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;

  print(`Sealtrail listens on ${server.url}\n  shop          ${shopUrl}\n  data folder   ${dir}\n\n`);
  print(introduction(server.url, reader.secret, dir));
  await shopModule.driveTraffic({
    shopUrl,
    signal,
    ...(options.rounds !== undefined && { rounds: options.rounds }),
    onStep: (step) => print(`  ${step}\n`),
  });
  await recorder.flush();
  const size = engine.log.trail('main')?.size ?? 0;
  print(`\n${size} events were recorded.\n`);
}

const introduction = (url: string, token: string, dir: string): string => `Try, in another terminal:

  export SEALTRAIL_URL=${url} SEALTRAIL_TOKEN=${token}
  sealtrail tail                                   follow what happens
  sealtrail query outcome:failure since:1h         failed attempts
  sealtrail query action:user.login ip:203.0.113.0/24
  sealtrail query --trail system                   who looked at the log
  sealtrail verify --data ${dir}

The traffic, with an attack in it:

`;

async function importShop(): Promise<ShopModule> {
  // The specifier is not literal: the shop is an example of the repository, not a dependency of this package.
  const name = 'sealtrail-example-shop';
  try {
    return (await import(name)) as ShopModule;
  } catch (cause) {
    throw new SealtrailError(
      'invalid_configuration',
      'the demo needs examples/shop beside it: run npm run demo in a clone of the repository',
      { cause },
    );
  }
}

function listen(server: Server): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
