import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createRecorder, type Recorder } from '@sealtrail/client';
import { type Alert, defaultTrail, SealtrailError, TILE_WIDTH } from '@sealtrail/core';
import { revokeToken } from './access/acts.ts';
import { issueToken } from './access/issue-token.ts';
import { parseConfig } from './config.ts';
import { DemoAlerts } from './demo-alerts.ts';
import { openEngine } from './main.ts';
import { AsyncResources } from './resources.ts';
import { serveEngine } from './serve-engine.ts';

/** What kind of step: someone uses the shop, or attacks it. */
export type DemoStep = 'visit' | 'attack';

/** Where a running demo is. */
export interface DemoScene {
  readonly serverUrl: string;
  readonly shopUrl: string;
  /** A token that may do everything, until the demo ends. */
  readonly token: string;
  /** The data folder, absolute. */
  readonly dir: string;
}

export interface DemoOptions {
  /** Data folder; absent: a new temporary one. It stays when the demo has ended. */
  readonly data?: string;
  readonly host: string;
  readonly port: number;
  /** Rounds of traffic; absent: until stopped. */
  readonly rounds: number | undefined;
  readonly signal: AbortSignal;
  /** Told once the traffic begins. */
  readonly onReady: (scene: DemoScene) => void;
  /** Told what happens, and how many events there are by now. */
  readonly onStep: (step: string, kind: DemoStep, events: number) => void;
  /** Told of each alert once, when it is opened. */
  readonly onAlert: (alert: Alert) => void;
}

/** What the demo needs of the sample shop, which is a package of its own beside this one. */
interface ShopModule {
  createShop(options: { readonly recorder: Recorder }): Parameters<typeof createServer>[1];
  driveTraffic(options: {
    readonly shopUrl: string;
    readonly rounds?: number;
    readonly signal?: AbortSignal;
    readonly onStep?: (step: string, kind: DemoStep) => void;
    readonly pauseMs?: number;
  }): Promise<void>;
}

/** Who ends the demo, by the last event. */
export const demoEnder = 'u_1';
/** Between steps of traffic that goes on, so that people can follow it. */
const pauseMs = 1000;

/**
 * Starts a server and a captured shop, and drives real traffic through it, an attack included. The last event says that
 * the demo was ended; it is among the entries that the log keeps uncompressed, so that its text is found in the file.
 */
export async function runDemo(
  options: DemoOptions,
): Promise<{ readonly dir: string; readonly events: number }> {
  const { signal, rounds } = options;
  const shopModule = await importShop();
  const dir =
    options.data === undefined ? mkdtempSync(path.join(tmpdir(), 'sealtrail-')) : path.resolve(options.data);
  await using resources = new AsyncResources();
  let isReady = false;
  if (options.data === undefined)
    resources.defer(() => {
      if (!isReady) rmSync(dir, { recursive: true });
    });
  const config = parseConfig({
    ...{ dir, host: options.host, port: options.port },
    logLevel: 'warn',
    // The shop reports at once: what waits for late events need not wait long.
    detectionLatenessMs: 5000,
    // People try channels with something that listens on their own machine.
    allowedTargets: ['127.0.0.1'],
  });
  const engine = resources.use(await openEngine(config));
  const server = resources.use(await serveEngine(engine));
  const demo = { actor: { type: 'system' as const } };
  const ingest = await issueToken(engine, { name: 'demo shop', role: 'ingest', trails: ['main'] }, demo);
  const visitor = await issueToken(engine, { name: 'demo visitor', role: 'admin' }, demo, {
    isFirst: engine.isNew,
  });
  // What was shown on a screen opens nothing when the folder is served again.
  resources.defer(async () => void (await revokeToken(engine, visitor.id, demo, () => true)));
  const alerts = await DemoAlerts.follow(engine.detection, options.onAlert);
  const recorder = resources.use(
    createRecorder({
      url: server.url,
      token: ingest.secret,
      defaults: { context: { service: 'shop', environment: 'demo' } },
    }),
  );
  const shop = await listen(createServer(shopModule.createShop({ recorder })));
  const closeShop = (): Promise<void> =>
    new Promise((resolve) => {
      shop.closeAllConnections();
      shop.close(() => resolve());
    });
  resources.defer(closeShop);
  const shopUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
  const events = (): number => engine.log.trail(defaultTrail)?.size ?? 0;

  isReady = true;
  options.onReady({ serverUrl: server.url, shopUrl, token: visitor.secret, dir });
  await shopModule.driveTraffic({
    shopUrl,
    signal,
    ...(rounds === undefined ? { pauseMs } : { rounds }),
    onStep: (step, kind) => options.onStep(step, kind, events()),
  });
  // A request that was under way is captured when it has ended: only then nothing comes behind the last event.
  await closeShop();
  await recorder.flush();
  const end = { action: 'demo.end', actor: { type: 'user', id: demoEnder }, outcome: 'success' } as const;
  // The entry that fills a bundle is compressed with it.
  while ((await recorder.record(end)).index % TILE_WIDTH === TILE_WIDTH - 1);
  await alerts.complete(events());
  return { dir, events: events() };
}

async function importShop(): Promise<ShopModule> {
  // The specifier is not literal: the shop is an example, with a web framework, and no dependency of this package.
  const name = '@sealtrail/example-shop';
  try {
    return (await import(name)) as ShopModule;
  } catch (cause) {
    throw new SealtrailError(
      'invalid_configuration',
      'the demo needs the sample shop beside it: npx -p sealtrail -p @sealtrail/example-shop sealtrail demo, or npm run demo in a clone of the repository',
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
