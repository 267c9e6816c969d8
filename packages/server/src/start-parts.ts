import { Worker } from 'node:worker_threads';
import { reasonOf } from '@sealtrail/core';
import type { Logger } from 'pino';
import { recordAct } from './access/acts.ts';
import type { SystemTrail } from './access/system-trail.ts';
import { TargetGuard } from './adapters/channels/target-guard.ts';
import { askOverHttp } from './adapters/http/witness-transport.ts';
import { MmdbLocations } from './adapters/mmdb/mmdb-locations.ts';
import type { Config } from './config.ts';
import { DetectionClient } from './followers/detect/detection-client.ts';
import { FollowerClient } from './followers/follower-client.ts';
import { WitnessFollower } from './followers/witness/witness-follower.ts';
import type { WitnessSet } from './followers/witness/witness-set.ts';
import { packageVersion } from './package-version.ts';
import type { TileReader } from './ports.ts';
import type { AsyncResources } from './resources.ts';
import { Backtests } from './rules/backtests.ts';
import { RuleTrials } from './rules/rule-trials.ts';
import { shippedRulesFolder } from './rules/shipped-rules.ts';
import { defaultQueueLimits, LogClient } from './sequencer/log-client.ts';
import type { DetectThreadOptions } from './threads/detect-thread.ts';
import type { FollowerThreadOptions } from './threads/follower-thread.ts';
import type { LogThreadOptions } from './threads/log-thread.ts';
import type { TrialThreadOptions } from './threads/trial-thread.ts';
import { VerificationSchedule } from './verify/verification-schedule.ts';

/** Starts the thread that writes the log; resolves when it can be written. */
export async function startLog(
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

/** Has witnesses asked about what is published, once it is started. */
export function startWitnesses(parts: {
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

/** Starts the thread that makes the log searchable and looks after producers. */
export function startFollowers(
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

/** Starts the thread that holds the log against rules. @throws SealtrailError invalid_configuration */
export function startDetection(
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

/** Errands that rules need, each in a thread of its own. */
export function startErrands(
  dir: string,
  { detectionLatenessMs: latenessMs, locations }: Config,
  resources: AsyncResources,
): { readonly backtests: Backtests; readonly trials: RuleTrials } {
  const rules = shippedRulesFolder();
  const backtests = new Backtests(
    { dir, rules, latenessMs, locations },
    () => new Worker(threadFile('backtest-thread')),
  );
  const trials = new RuleTrials(
    () => new Worker(threadFile('trial-thread'), { workerData: { rules } satisfies TrialThreadOptions }),
  );
  return { backtests: resources.use(backtests), trials: resources.use(trials) };
}

/** Has the log verified now and then, where that is wanted. */
export function startVerifications(
  dir: string,
  { verifyEveryMs: everyMs }: Config,
  system: SystemTrail,
  logger: Logger,
): VerificationSchedule | undefined {
  if (everyMs === 0) return undefined;
  return new VerificationSchedule({
    start: () => new Worker(threadFile('verify-thread'), { workerData: { dir } }),
    everyMs,
    record: (event) => system.record(event),
    onError: (error) => logger.error(`the log was not verified: ${reasonOf(error)}`),
  });
}
