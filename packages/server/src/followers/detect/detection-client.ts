import { SealtrailError } from '@sealtrail/core';
import type { ChannelsApi } from '../../channel-ports.ts';
import type { ThreadReply } from '../protocol.ts';
import { ThreadClient, type ThreadClientOptions } from '../thread-client.ts';
import type { DetectionCalls } from './detection-calls.ts';
import type { DetectionCounts, DetectReply, DetectRequest } from './protocol.ts';

/** Told when alerts have changed: the number of the last change. */
export type AlertListener = (revision: number) => void;

/** Detection, as others ask it. */
export interface DetectionAccess {
  /** Whether it can be asked at the moment; `off`: it is not to run. */
  readonly state: 'ready' | 'off' | 'detection_unavailable';
  readonly counts: DetectionCounts;
  readonly channels: ChannelsApi;
  /**
   * Has the detect thread do something.
   *
   * @throws SealtrailError detection_unavailable | overloaded | shutting_down by rejecting, and what is said of the call
   */
  call<Name extends keyof DetectionCalls>(
    name: Name,
    ...parameters: Parameters<DetectionCalls[Name]>
  ): Promise<Awaited<ReturnType<DetectionCalls[Name]>>>;
  /** Tells of alerts until what is given back is called. */
  listen(listener: AlertListener): () => void;
}

const nothing: DetectionCounts = {
  ...{ entries: 0, behind: 0, lateEvents: 0, gaveUp: 0, openedAlerts: 0 },
  ...{ waitingActs: 0, waiting: 0, dead: 0 },
};

const refuse = (): Promise<never> =>
  Promise.reject(new SealtrailError('detection_unavailable', 'detection is turned off in the configuration'));

/** Where detection is turned off. */
export const noDetection: DetectionAccess = {
  state: 'off',
  counts: nothing,
  channels: channelsBy(refuse),
  call: refuse,
  listen: () => () => {},
};

/** The main thread's end of detection. */
export class DetectionClient implements DetectionAccess, AsyncDisposable {
  readonly #thread: ThreadClient<DetectRequest, DetectReply>;
  readonly #listeners: Set<AlertListener> = new Set();
  readonly channels: ChannelsApi = channelsBy((name, ...parameters) =>
    this.#thread.ask((request) => ({ kind: 'callChannels', request, name, arguments: parameters })),
  );
  readonly #onFailure: ThreadClientOptions['onFailure'];
  #counts: DetectionCounts = nothing;

  constructor(options: ThreadClientOptions) {
    this.#onFailure = options.onFailure;
    this.#thread = new ThreadClient(
      options,
      {
        what: 'detection',
        thread: 'detect thread',
        unavailable: 'detection_unavailable',
        tooMany: 'too many requests to detection are running',
      },
      (reply) => this.#receive(reply),
    );
  }

  /** Resolves when detection follows the log, or when its start has failed for the first time. */
  get started(): Promise<void> {
    return this.#thread.started;
  }

  get state(): DetectionAccess['state'] {
    return this.#thread.isAway ? 'detection_unavailable' : 'ready';
  }

  get counts(): DetectionCounts {
    return this.#counts;
  }

  grew(sizes: readonly (readonly [trail: string, size: number])[]): void {
    this.#thread.grew(sizes);
  }

  async call<Name extends keyof DetectionCalls>(
    name: Name,
    ...parameters: Parameters<DetectionCalls[Name]>
  ): Promise<Awaited<ReturnType<DetectionCalls[Name]>>> {
    const result = await this.#thread.ask((request) => ({
      kind: 'call',
      request,
      name,
      arguments: parameters,
    }));
    return result as Awaited<ReturnType<DetectionCalls[Name]>>;
  }

  listen(listener: AlertListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
  }

  #receive(reply: Exclude<DetectReply, ThreadReply>): void {
    switch (reply.kind) {
      case 'opened':
        this.#thread.opened();
        return;
      case 'alerted':
        for (const listener of this.#listeners) listener(reply.revision);
        return;
      case 'givenUp':
        this.#onFailure(`the channel ${reply.channel} was not told of something: ${reply.error}`);
        return;
      case 'counted':
        this.#counts = reply.counts;
        return;
    }
  }
}

/** Channels, each of whose methods is a question to the thread. */
function channelsBy(
  ask: (name: keyof ChannelsApi, ...parameters: readonly unknown[]) => Promise<unknown>,
): ChannelsApi {
  const asking =
    <Name extends keyof ChannelsApi>(name: Name) =>
    (...parameters: Parameters<ChannelsApi[Name]>): ReturnType<ChannelsApi[Name]> =>
      ask(name, ...parameters) as ReturnType<ChannelsApi[Name]>;
  return {
    list: asking('list'),
    get: asking('get'),
    create: asking('create'),
    update: asking('update'),
    remove: asking('remove'),
    rotateSecret: asking('rotateSecret'),
    test: asking('test'),
    deadLetters: asking('deadLetters'),
    retry: asking('retry'),
    discard: asking('discard'),
  };
}
