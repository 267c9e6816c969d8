import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import {
  type CreatedToken,
  compileClientAddress,
  defaultTrail,
  formatVkey,
  reasonOf,
  SealtrailError,
} from '@sealtrail/core';
import { type Logger, pino } from 'pino';
import { createTrail, recordAct, recordForgottenActs } from './access/acts.ts';
import { ensureChosenAdmin, ensureFirstAdmin } from './access/first-admin.ts';
import { systemTrail } from './access/permissions.ts';
import { SystemTrail } from './access/system-trail.ts';
import { Tokens } from './access/tokens.ts';
import { TargetGuard } from './adapters/channels/target-guard.ts';
import { diskFailure, lacksSpace, noSpaceFor } from './adapters/disk-failure.ts';
import { createDataFolder, dataFolder, lockDataFolder } from './adapters/fs/data-folder.ts';
import { originPrefixOf } from './adapters/fs/origin.ts';
import { readWitnessesFile } from './adapters/fs/witnesses-file.ts';
import { askOverHttp } from './adapters/http/witness-transport.ts';
import { MmdbLocations } from './adapters/mmdb/mmdb-locations.ts';
import { nativeEd25519Verify } from './adapters/native-ed25519.ts';
import { createRandomPool } from './adapters/random-pool.ts';
import { SqliteLogReader } from './adapters/sqlite/log-reader.ts';
import { SqliteStateStore } from './adapters/sqlite/state-store.ts';
import type { Config } from './config.ts';
import { type DetectionAccess, DetectionClient, noDetection } from './followers/detect/detection-client.ts';
import { FollowerClient } from './followers/follower-client.ts';
import { EventIndex } from './followers/index/event-index.ts';
import { WitnessFollower } from './followers/witness/witness-follower.ts';
import { parseWitnesses, type WitnessSet } from './followers/witness/witness-set.ts';
import { lastCheckpoints, type ShownCheckpoints } from './followers/witness/witnessed-checkpoints.ts';
import { createApp } from './http/app.ts';
import { createMetrics } from './http/metrics.ts';
import { HttpServer } from './http/server.ts';
import { defaultIngestLimits } from './ingest/ingest.ts';
import { Intake } from './ingest/intake.ts';
import { MemoryBudget } from './ingest/memory-budget.ts';
import { listenFailure } from './listen-failure.ts';
import { packageVersion } from './package-version.ts';
import type { TileReader } from './ports.ts';
import { AsyncResources } from './resources.ts';
import { Backtests } from './rules/backtests.ts';
import { RuleChanges } from './rules/rule-changes.ts';
import { RuleTrials } from './rules/rule-trials.ts';
import { shippedRulesFolder } from './rules/shipped-rules.ts';
import { defaultQueueLimits, LogClient } from './sequencer/log-client.ts';
import type { DetectThreadOptions } from './threads/detect-thread.ts';
import type { FollowerThreadOptions } from './threads/follower-thread.ts';
import type { LogThreadOptions } from './threads/log-thread.ts';
import { VerificationSchedule } from './verify/verification-schedule.ts';

/** A running engine: the log, its followers, and what the HTTP server and the in-process recorder work with. */
export interface Engine extends AsyncDisposable {
  readonly config: Config;
  readonly log: LogClient;
  readonly reader: TileReader;
  /** Which checkpoints to show and to prove by. */
  readonly checkpoints: ShownCheckpoints;
  /** Undefined when no witnesses are asked. */
  readonly witnessing: WitnessFollower | undefined;
  readonly search: FollowerClient;
  readonly detection: DetectionAccess;
  readonly backtests: Backtests;
  readonly ruleChanges: RuleChanges;
  readonly intake: Intake;
  readonly tokens: Tokens;
  readonly system: SystemTrail;
  readonly state: SqliteStateStore;
  readonly logger: Logger;
  /** Whether the data folder was made by this start. */
  readonly isNew: boolean;
  /** Rejects when the log can no longer be written. */
  readonly failed: Promise<never>;
}

/**
 * Opens a data folder and starts the engine on it: the one place where adapters meet those who use them.
 *
 * @throws SealtrailError data_folder_locked | data_folder_invalid | storage_unavailable | log_behind_published |
 *   log_forked | key_missing
 */
export async function openEngine(config: Config, logger: Logger = createLogger(config)): Promise<Engine> {
  try {
    return await startEngine(config, logger);
  } catch (error) {
    throw startError(config, error);
  }
}

async function startEngine(config: Config, logger: Logger): Promise<Engine> {
  const random = createRandomPool();
  const folder = dataFolder(config.dir);
  const witnesses =
    config.witnesses === undefined
      ? undefined
      : parseWitnesses(readWitnessesFile(config.witnesses), nativeEd25519Verify);
  await using resources = new AsyncResources();
  createDataFolder(folder);
  resources.use(lockDataFolder(folder));
  const originPrefix = originPrefixOf(folder, config.originPrefix, random);
  if (config.originPrefix !== undefined && config.originPrefix !== originPrefix) {
    throw new SealtrailError(
      'invalid_configuration',
      `this data folder's origin is ${originPrefix}; keys are named after it and it cannot be changed`,
    );
  }

  const state = resources.use(new SqliteStateStore(folder.state));
  const log = await startLog(
    {
      dir: folder.dir,
      originPrefix,
      publishEveryMs: config.publishEveryMs,
      holdSigning: witnesses !== undefined,
      witnesses: witnesses?.witnesses.map(({ verifier }) => formatVkey(verifier.key)) ?? [],
    },
    config,
    resources,
  );
  const isNew = log.trail(systemTrail) === undefined;
  for (const trail of [defaultTrail, systemTrail]) if (!log.trail(trail)) await log.createTrail(trail);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  log.listen({
    fatal: (error) => failed.reject(error),
    publishFailed: ({ code, message }) => logger.error({ code }, `no checkpoint published: ${message}`),
  });

  const reader = resources.use(new SqliteLogReader(folder.log));
  const intake = new Intake(log, {
    redaction: config.redaction,
    now: Date.now,
    random,
    createTrail: (name, actor) => createTrail({ log, system }, name, { actor }),
  });
  const system: SystemTrail = new SystemTrail(intake, (error) =>
    logger.error(
      { code: 'code' in error ? error.code : 'internal' },
      'the trail system could not be written',
    ),
  );
  const witnessing =
    witnesses && resources.use(startWitnesses({ witnesses, config, log, reader, random, system, logger }));
  // The log as it was found is compared with what the witnesses have before anything is signed on top of it.
  await witnessing?.start(witnessWaitMs);
  log.startSigning();
  const search = resources.use(startFollowers({ dir: folder.dir }, log, system, logger));
  const detection = config.detection
    ? resources.use(startDetection(folder.dir, config, log, system, logger))
    : noDetection;
  if (config.verifyEveryMs > 0)
    resources.use(
      new VerificationSchedule({
        start: () => new Worker(threadFile('verify-thread'), { workerData: { dir: folder.dir } }),
        everyMs: config.verifyEveryMs,
        record: (event) => system.record(event),
        onError: (error) => logger.error(`the log was not verified: ${reasonOf(error)}`),
      }),
    );
  const backtests = resources.use(
    new Backtests(
      {
        ...{ dir: folder.dir, rules: shippedRulesFolder() },
        ...{ latenessMs: config.detectionLatenessMs, locations: config.locations },
      },
      (options) => new Worker(threadFile('backtest-thread'), { workerData: options }),
    ),
  );
  const trials = resources.use(
    new RuleTrials(
      { rules: shippedRulesFolder() },
      (options) => new Worker(threadFile('trial-thread'), { workerData: options }),
    ),
  );
  const ruleChanges = new RuleChanges(detection, trials);
  const tokens = new Tokens(state, { now: Date.now, random });
  await recordForgottenActs({ log, reader, tokens, system });
  if (config.adminToken !== undefined)
    await ensureChosenAdmin({ tokens, system, isNew }, config.adminToken, (message) => logger.warn(message));
  // Whether there is search is known from the first request on.
  await search.started;

  const owned = resources.move();
  return {
    config,
    log,
    reader,
    checkpoints: witnessing?.witnessed ?? lastCheckpoints(log),
    witnessing,
    search,
    detection,
    backtests,
    ruleChanges,
    intake,
    tokens,
    system,
    state,
    logger,
    isNew,
    failed: failed.promise,
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

/** Memory for request bodies that are arriving; at least a few of the largest ones. */
const bodyMemoryBytes = 256 * 1024 * 1024;

/** Serves an engine over HTTP; resolves when it listens. @throws SealtrailError address_unavailable */
export async function serveEngine(engine: Engine): Promise<HttpServer> {
  const { config, log, search } = engine;
  const closing = new AbortController();
  const server = new HttpServer({ drainMs: config.drainMs, closing });
  const total = (size: (trail: string) => number): number =>
    log.trails().reduce((sum, { name }) => sum + size(name), 0);
  const metrics = createMetrics({
    queuedBytes: () => log.queuedBytes,
    entries: () => total((trail) => log.trail(trail)?.size ?? 0),
    indexedEntries: () => total((trail) => search.indexedSize(trail)),
    detection: () => engine.detection.counts,
    isDetecting: () => engine.detection.state === 'ready',
    witnesses: () => engine.witnessing?.counts ?? [],
  });
  log.listen({ publishFailed: () => metrics.publishFailures.inc() });
  const app = createApp({
    version: packageVersion(),
    log,
    reader: engine.reader,
    checkpoints: engine.checkpoints,
    search,
    detection: engine.detection,
    backtests: engine.backtests,
    ruleChanges: engine.ruleChanges,
    intake: engine.intake,
    ingestLimits: { ...defaultIngestLimits, maxBodyBytes: config.maxBodyBytes },
    bodyMemory: new MemoryBudget({
      maxBytes: Math.max(bodyMemoryBytes, 4 * config.maxBodyBytes),
      maxHolderBytes: Math.max(bodyMemoryBytes / 4, 2 * config.maxBodyBytes),
    }),
    tokens: engine.tokens,
    producers: engine.state,
    deadLetters: engine.state.deadLetters,
    system: engine.system,
    clientAddress: compileClientAddress(config.trustProxy),
    metrics,
    logger: engine.logger,
    now: Date.now,
    isDraining: () => server.isDraining,
    closing: closing.signal,
  });
  await server.listen(app, config.host, config.port).catch((cause: NodeJS.ErrnoException) => {
    throw listenFailure(cause, config.host, config.port);
  });
  return server;
}

/**
 * Makes an admin token and shows it to the operator, this once, where there has never been one and the configuration has
 * none. Call it when the server listens: of a start that fails nobody keeps the output, and no start after it would show
 * the token again.
 *
 * @throws SealtrailError storage_unavailable
 */
export async function showFirstToken(engine: Engine, show: (token: CreatedToken) => void): Promise<void> {
  if (engine.config.adminToken !== undefined) return;
  try {
    await ensureFirstAdmin(engine, show);
  } catch (error) {
    throw startError(engine.config, error);
  }
}

/** Logs are JSON lines on standard error, without anything out of an event. */
export function createLogger(config: Pick<Config, 'logLevel'>): Logger {
  return pino(
    { level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination(2),
  );
}

/** What stops a start. That a write can be tried again later is no help here: where there is no space, it says where. */
function startError(config: Config, error: unknown): unknown {
  const { dir } = dataFolder(config.dir);
  const isStorage = error instanceof SealtrailError && error.code === 'storage_unavailable';
  return isStorage && lacksSpace(dir) ? noSpaceFor(dir, error) : (diskFailure(dir, error) ?? error);
}

async function startLog(
  options: LogThreadOptions,
  config: Config,
  resources: AsyncResources,
): Promise<LogClient> {
  const log = new LogClient(new Worker(threadFile('log-thread'), { workerData: options }), {
    ...defaultQueueLimits,
    maxQueuedBytes: config.maxQueuedBytes,
  });
  resources.defer(() => log.close());
  await log.ready;
  return log;
}

/** How long a start waits for witnesses: one that hangs must not keep the log from being signed. */
const witnessWaitMs = 5000;

function startWitnesses(parts: {
  readonly witnesses: WitnessSet;
  readonly config: Config;
  readonly log: LogClient;
  readonly reader: TileReader;
  readonly random: (bytes: number) => Uint8Array;
  readonly system: SystemTrail;
  readonly logger: Logger;
}): WitnessFollower {
  const { config, log, system, logger } = parts;
  log.listen({
    signingStopped: (_, { code, message }) =>
      logger.fatal({ code }, `a trail is not signed any more: ${message}`),
  });
  return new WitnessFollower({
    ...parts,
    send: (request) => askOverHttp(request),
    everyMs: config.witnessEveryMs,
    now: Date.now,
    record: (event) => system.record(event),
    onFailure: (message) => logger.warn(message),
  });
}

function startFollowers(
  options: FollowerThreadOptions,
  log: LogClient,
  system: SystemTrail,
  logger: Logger,
): FollowerClient {
  const client = new FollowerClient({
    start: () => new Worker(threadFile('follower-thread'), { workerData: options }),
    record: (event) => system.record(event),
    onFailure: (message) => logger.error(message),
  });
  log.listen({ grew: (sizes) => client.grew(sizes) });
  return client;
}

function startDetection(
  dir: string,
  { detectionLatenessMs: latenessMs, allowedTargets, locations }: Config,
  log: LogClient,
  system: SystemTrail,
  logger: Logger,
): DetectionClient {
  const options: DetectThreadOptions = {
    ...{ dir, latenessMs, allowedTargets, locations },
    rules: shippedRulesFolder(),
    version: packageVersion(),
  };
  // What is not allowed to be is said at the start, not once in a thread.
  new TargetGuard(allowedTargets);
  if (locations.length > 0) new MmdbLocations(locations);
  const client = new DetectionClient({
    start: () => new Worker(threadFile('detect-thread'), { workerData: options }),
    record: (event) => recordAct(system, event),
    onFailure: (message) => logger.error(message),
  });
  log.listen({ grew: (sizes) => client.grew(sizes) });
  return client;
}

/** Threads run the compiled file, or the source where this runs from source. */
function threadFile(name: string): URL {
  return new URL(`./threads/${name}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
}

/**
 * Makes the search index of a data folder again from its log. The folder must not be in use. What the signal leaves
 * undone is made when the server starts.
 */
export async function rebuildIndex(
  dir: string,
  onProgress: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<{ readonly entries: number }> {
  const folder = dataFolder(dir);
  if (!existsSync(folder.log))
    throw new SealtrailError(
      'data_folder_invalid',
      `there is no log in ${folder.dir}; check the folder's name`,
    );
  using _lock = lockDataFolder(folder);
  EventIndex.remove(folder.index);
  using reader = new SqliteLogReader(folder.log);
  const total = reader.trails().reduce((sum, { size }) => sum + size, 0);
  const done = new Map<string, number>();
  await using index = EventIndex.open({
    dir: folder.index,
    log: reader,
    onIndexed: (sizes) => {
      for (const [trail, size] of sizes) done.set(trail, size);
      onProgress(
        [...done.values()].reduce((sum, size) => sum + size, 0),
        total,
      );
    },
  });
  signal?.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  signal?.addEventListener('abort', () => aborted.reject(signal.reason as Error), { once: true });
  await Promise.race([index.caughtUp(), aborted.promise]);
  return { entries: total };
}
