import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { SealtrailError } from '@sealtrail/core';
import type { RuleSource } from '@sealtrail/core/sigma';
import { randomText } from '../access/random-text.ts';
import { ChannelSender } from '../adapters/channels/channel-sender.ts';
import { TargetGuard } from '../adapters/channels/target-guard.ts';
import { dataFolder } from '../adapters/fs/data-folder.ts';
import { MmdbLocations } from '../adapters/mmdb/mmdb-locations.ts';
import { SqliteActStore } from '../adapters/sqlite/act-store.ts';
import { SqliteAlertStore } from '../adapters/sqlite/alert-store.ts';
import { openDetectionDatabase } from '../adapters/sqlite/detection-database.ts';
import { SqliteDetectionStore } from '../adapters/sqlite/detection-store.ts';
import { SqliteGroupStore } from '../adapters/sqlite/group-store.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import { SqliteOutbox } from '../adapters/sqlite/outbox.ts';
import { SqliteRuleStore } from '../adapters/sqlite/rule-store.ts';
import type { ChannelsApi } from '../channel-ports.ts';
import type { Act } from '../detection-ports.ts';
import { ChannelService } from '../followers/deliver/channel-service.ts';
import { Courier } from '../followers/deliver/courier.ts';
import { Detection } from '../followers/detect/detection.ts';
import type { DetectionCalls } from '../followers/detect/detection-calls.ts';
import type { DetectReply, DetectRequest } from '../followers/detect/protocol.ts';
import { AsyncResources } from '../resources.ts';
import { readShippedRules } from '../rules/shipped-rules.ts';
import type { LogListener } from '../sequencer/log-client.ts';
import { failureOf, startFailure, storageFailure } from './failure.ts';

/** What the thread is started with. */
export interface DetectThreadOptions {
  readonly dir: string;
  /** Folder of the rules that are built in. */
  readonly rules: string;
  readonly latenessMs: number;
  /** Databases that say where addresses are (.mmdb). */
  readonly locations: readonly string[];
  /** Private hosts and networks that channels may lead to all the same. */
  readonly allowedTargets: readonly string[];
  /** Of the server, for formats that name the product. */
  readonly version: string;
}

/** About 10,000 entries: those behind alerts are read one by one. */
const cacheBytes = 8 * 1024 * 1024;
const countEveryMs = 1000;

/** Calls that change something: they are answered when what they did is in the trail `system`. */
const changing: ReadonlySet<keyof DetectionCalls | keyof ChannelsApi> = new Set([
  'actOnAlert',
  'createSilence',
  'endSilence',
  'createRules',
  'replaceRules',
  'removeRules',
  'enableRule',
  'disableRule',
  'addFindings',
  'create',
  'update',
  'remove',
  'rotateSecret',
  'test',
  'retry',
  'discard',
]);

/** The thread of detection. */
class DetectThread {
  readonly #reply: (reply: DetectReply) => void;
  readonly #resources: AsyncResources;
  readonly #detection: Detection;
  readonly #channels: ChannelService;
  readonly #outbox: SqliteOutbox;
  readonly #listeners: Set<LogListener> = new Set();
  readonly #recording: Map<number, PromiseWithResolvers<void>> = new Map();
  #sequence = 0;

  /** @throws when its files cannot be opened, as on a full disk */
  constructor(
    { dir, latenessMs, locations, allowedTargets, version }: DetectThreadOptions,
    builtIn: readonly RuleSource[],
    reply: (reply: DetectReply) => void,
    resources: AsyncResources,
  ) {
    this.#reply = reply;
    this.#resources = resources;
    const folder = dataFolder(dir);
    const reader = resources.use(new SqliteLogReader(folder.log, cacheBytes));
    const db = openDetectionDatabase(folder.detection);
    resources.defer(() => void db.close());
    const away = resources.use(new SqliteGroupStore(folder.away));
    const located = locations.length > 0 ? new MmdbLocations(locations) : undefined;
    const transaction = <T>(work: () => T): T => db.transaction(work)();
    const onError = (error: unknown): void => reply({ kind: 'followFailed', failure: failureOf(error) });
    const acts = new SqliteActStore(db);
    const outbox = new SqliteOutbox(db);
    this.#outbox = outbox;
    const guard = new TargetGuard(allowedTargets);
    const sender = resources.use(new ChannelSender({ guard, version, stdout: process.stdout }));
    const common = { outbox, sender, now: Date.now, random: randomBytes, version };
    const courier = resources.use(
      new Courier({
        ...common,
        onGone: (channel, error) => {
          this.#channels.disableGone(channel, error);
          this.#detection.flushActs().catch(onError);
        },
        onDeadLetter: (channel, error) => reply({ kind: 'givenUp', channel, error }),
        onError,
      }),
    );
    const closing = new AbortController();
    resources.defer(() => closing.abort());
    this.#channels = new ChannelService({
      ...{ ...common, acts, transaction, targets: guard },
      wake: () => courier.wake(),
      closing: closing.signal,
    });
    this.#detection = resources.use(
      new Detection({
        log: { trails: () => reader.trails(), listen: (listener) => this.#listen(listener) },
        ...{ reader, transaction, acts, builtIn, latenessMs, onError },
        locate: located?.locate,
        spillOf: (trail) => away.of(trail),
        findings: new SqliteDetectionStore(db),
        alerts: new SqliteAlertStore(db),
        rules: new SqliteRuleStore(db),
        channels: {
          channels: () => outbox.channels(),
          enqueue: (channel, notification) => outbox.enqueue(channel, notification, Date.now()),
        },
        now: Date.now,
        newId: (prefix) => `${prefix}${randomText(randomBytes(16))}`,
        record: (list) => this.#record(list),
        onAlerts: (revision) => reply({ kind: 'alerted', revision }),
        onNotifications: () => courier.wake(),
      }),
    );
    const counting = setInterval(() => this.#count(), countEveryMs);
    resources.defer(() => clearInterval(counting));
    reply({ kind: 'opened' });
    this.#count();
  }

  async handle(request: DetectRequest): Promise<void> {
    switch (request.kind) {
      case 'grew':
        for (const listener of this.#listeners) listener.grew?.(request.sizes);
        return;
      case 'recorded': {
        const recording = this.#recording.get(request.record);
        this.#recording.delete(request.record);
        const { failure } = request;
        if (failure) recording?.reject(new SealtrailError(failure.code, failure.message));
        else recording?.resolve();
        return;
      }
      case 'call':
        await this.#call(this.#deskOf(request.name), request);
        return;
      case 'callChannels':
        await this.#call(this.#channels, request);
        return;
      case 'close':
        await this.#resources[Symbol.asyncDispose]().catch((error: unknown) =>
          this.#reply({ kind: 'followFailed', failure: failureOf(error) }),
        );
        this.#reply({ kind: 'answer', request: request.request, result: undefined });
        return;
    }
  }

  async #call(
    target: object,
    { request, name, arguments: parameters }: Extract<DetectRequest, { kind: 'call' | 'callChannels' }>,
  ): Promise<void> {
    try {
      const call = (target as Record<string, (...parameters: readonly unknown[]) => unknown>)[name]!;
      const result = await call.apply(target, parameters as unknown[]);
      // What is open already is news to a channel that is new, or is told of more than before.
      if (target === this.#channels && (name === 'create' || name === 'update'))
        this.#detection.catchUpChannels();
      if (changing.has(name)) await this.#detection.flushActs();
      this.#reply({ kind: 'answer', request, result });
    } catch (error) {
      this.#reply({ kind: 'requestFailed', request, failure: storageFailure(error) });
    }
  }

  /** Who answers a call. */
  #deskOf(name: keyof DetectionCalls): object {
    const { alerts, rules } = this.#detection;
    return [alerts, rules].find((desk) => name in desk) ?? this.#detection;
  }

  #count(): void {
    try {
      this.#reply({ kind: 'counted', counts: { ...this.#detection.counts(), ...this.#outbox.counts() } });
    } catch (error) {
      this.#reply({ kind: 'followFailed', failure: failureOf(error) });
    }
  }

  #listen(listener: LogListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Only the main thread appends: it answers when all are durable. */
  #record(events: readonly Act[]): Promise<void> {
    const record = ++this.#sequence;
    const recording = Promise.withResolvers<void>();
    this.#recording.set(record, recording);
    this.#reply({ kind: 'record', record, events });
    return recording.promise;
  }
}

if (parentPort) {
  const port = parentPort;
  const reply = (message: DetectReply): void => port.postMessage(message);
  const options = workerData as DetectThreadOptions;
  const resources = new AsyncResources();
  const early: DetectRequest[] = [];
  const keep = (request: DetectRequest): number => early.push(request);
  port.on('message', keep);
  try {
    const builtIn = await readShippedRules(options.rules);
    const thread = new DetectThread(options, builtIn, reply, resources);
    const handle = (request: DetectRequest): void => {
      void thread.handle(request).then(() => {
        if (request.kind === 'close') port.close();
      });
    };
    port.off('message', keep);
    port.on('message', handle);
    early.forEach(handle);
  } catch (error) {
    await resources[Symbol.asyncDispose]().catch(() => {});
    reply({ kind: 'fatal', failure: startFailure(dataFolder(options.dir).detection, error) });
    port.close();
  }
}
