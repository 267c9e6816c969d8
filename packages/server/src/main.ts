import { defaultTrail, formatVkey, SealtrailError } from '@sealtrail/core';
import { type Logger, pino } from 'pino';
import { createTrail, recordForgottenActs } from './access/acts.ts';
import { ensureChosenAdmin } from './access/first-admin.ts';
import { systemTrail } from './access/permissions.ts';
import { SystemTrail } from './access/system-trail.ts';
import { Tokens } from './access/tokens.ts';
import { diskFailure, lacksSpace, noSpaceFor } from './adapters/disk-failure.ts';
import { createDataFolder, dataFolder, lockDataFolder } from './adapters/fs/data-folder.ts';
import { originPrefixOf } from './adapters/fs/origin.ts';
import { readWitnessesFile } from './adapters/fs/witnesses-file.ts';
import { nativeEd25519Verify } from './adapters/native-ed25519.ts';
import { createRandomPool } from './adapters/random-pool.ts';
import { SqliteLogReader } from './adapters/sqlite/log-reader.ts';
import { SqliteStateStore } from './adapters/sqlite/state-store.ts';
import type { Config } from './config.ts';
import { type DetectionAccess, noDetection } from './followers/detect/detection-client.ts';
import type { FollowerClient } from './followers/follower-client.ts';
import type { WitnessFollower } from './followers/witness/witness-follower.ts';
import { parseWitnesses } from './followers/witness/witness-set.ts';
import { lastCheckpoints, type ShownCheckpoints } from './followers/witness/witnessed-checkpoints.ts';
import { Intake } from './ingest/intake.ts';
import type { TileReader } from './ports.ts';
import { AsyncResources } from './resources.ts';
import type { Backtests } from './rules/backtests.ts';
import { RuleChanges } from './rules/rule-changes.ts';
import type { LogClient } from './sequencer/log-client.ts';
import {
  startDetection,
  startErrands,
  startFollowers,
  startLog,
  startVerifications,
  startWitnesses,
} from './start-parts.ts';
import { tellLostTrails } from './verify/lost-trails.ts';

/** How long a start waits for witnesses: one that hangs must not keep the log from being signed. */
const witnessWaitMs = 5000;

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
  tellLostTrails(
    log.lost(),
    (event) => system.note(event),
    (message) => logger.error({ code: 'log_behind_published' }, message),
  );
  const search = resources.use(startFollowers({ dir: folder.dir }, log, system, logger));
  const detection = config.detection
    ? resources.use(startDetection(folder.dir, config, log, system, logger))
    : noDetection;
  const verifications = startVerifications(folder.dir, config, system, logger);
  if (verifications) resources.use(verifications);
  const { backtests, trials } = startErrands(folder.dir, config, resources);
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

/** Logs are JSON lines on standard error, without anything out of an event. */
export function createLogger(config: Pick<Config, 'logLevel'>): Logger {
  return pino(
    { level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination(2),
  );
}

/** What stops a start. That a write can be tried again later is no help here: where there is no space, it says where. */
export function startError(config: Config, error: unknown): unknown {
  const { dir } = dataFolder(config.dir);
  const isStorage = error instanceof SealtrailError && error.code === 'storage_unavailable';
  return isStorage && lacksSpace(dir) ? noSpaceFor(dir, error) : (diskFailure(dir, error) ?? error);
}
