import {
  type Actor,
  type ClientAddress,
  compileClientAddress,
  type Event,
  eventLimits,
  SealtrailError,
  type Target,
  uuidV7,
} from '@sealtrail/core';
import { type Clock, type RandomBytes, systemClock, systemRandom } from '../clock.ts';
import { currentScope, runInScope, type Scope } from '../context.ts';
import type { Recorder } from '../recorder.ts';
import { warnOnce } from '../warn.ts';
import { compileIgnore, type Exchange, outcomeOf, recordChangesAndRefusals } from './policy.ts';
import { parseRequestId, parseTraceparent } from './trace-context.ts';

/** How requests become events. `Request` is what the framework gives to handlers. */
export interface CaptureOptions<Request> {
  readonly recorder: Recorder;
  /**
   * Who acts. Asked when it is needed: by `record` inside the handler, and at the end of the response, so after
   * authentication. Undefined means nobody known, which is recorded as an anonymous actor. `setActor` wins over it.
   */
  readonly actor?: (request: Request) => Actor | undefined;
  /** To which customer the request belongs; asked as `actor` is. */
  readonly tenant?: (request: Request) => string | undefined;
  /** The trail for events of requests. Default: that of the server. */
  readonly trail?: string;
  /**
   * Addresses and CIDR ranges of the proxies in front of this process. Only what these say in
   * X-Forwarded-For is believed, or in Forwarded where there is no X-Forwarded-For. Default: none, so that the peer of the
   * connection is the client.
   */
  readonly trustProxy?: readonly string[];
  /** Paths that are passed through untouched, such as `/healthz` or `/assets/*`. Default: `/healthz`, `/livez`, `/readyz`. */
  readonly ignore?: readonly string[];
  /**
   * What is recorded; here also sample. Default: {@link recordChangesAndRefusals}, to which another rule can be added:
   * `when: (exchange) => recordChangesAndRefusals(exchange) || exchange.route === '/export'`.
   */
  readonly when?: (exchange: Exchange, request: Request) => boolean;
  /**
   * The action. Default: `http.` and the method in lower case, such as `http.post`: few names that stay the same, with
   * the route beside them in `context.http.route`.
   */
  readonly action?: (exchange: Exchange, request: Request) => string;
  /** What was acted on. Default: nothing is said. */
  readonly targets?: (exchange: Exchange, request: Request) => readonly Target[] | undefined;
  /** Id of the request. Default: the header X-Request-Id where it is well formed, otherwise a new UUID. */
  readonly requestId?: (request: Request) => string | undefined;
  /**
   * Called with what went wrong in capturing and recording; the request itself never notices. Default: a process
   * warning, once for each error code, unless the recorder's own `onError` has heard of it.
   */
  readonly onError?: (error: unknown) => void;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
}

/** What an adapter knows when a request comes in. */
export interface ExchangeStart {
  readonly method: string;
  /** The path that the framework has taken out of the request target, escapes and all, without the query string. */
  readonly path: string;
  /** What it looks up routes by, where that is another text: only this decides what is ignored. Default: `path`. */
  readonly routedPath?: string | undefined;
  readonly header: (name: string) => string | undefined;
  readonly peerAddress: string | undefined;
  readonly peerPort: number | undefined;
}

/** What an adapter knows when the response is over. */
export interface ExchangeEnd {
  readonly status: number | undefined;
  readonly route: string | undefined;
  readonly isAborted: boolean;
}

/** A request under way. Its methods never throw, but for what the callback itself throws. */
export interface CapturedRequest {
  /** Runs the application's handlers in the context of this request. */
  run<T>(next: () => T): T;
  /** The response is over. Only the first call counts. */
  end(describe: () => ExchangeEnd): void;
}

/** Begins to capture a request; undefined when it is to be left alone. Never throws. */
export type Capture<Request> = (request: Request, start: () => ExchangeStart) => CapturedRequest | undefined;

const anonymous: Actor = { type: 'anonymous' };
const defaultIgnore = ['/healthz', '/livez', '/readyz'];

/**
 * The one core of all framework adapters: options in, captured requests out. It touches neither request nor response,
 * and whatever fails in it, the application's functions included, goes to `onError` and not to the request.
 *
 * @throws SealtrailError invalid_configuration
 */
export function createCapture<Request>(options: CaptureOptions<Request>): Capture<Request> {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const clientAddress = compileClientAddress(options.trustProxy ?? []);
  const isIgnored = compileIgnore(options.ignore ?? defaultIgnore);
  const report = reporter(options.onError ?? warnAbout);
  const attempt = guard(report);

  return (request, describeStart) =>
    attempt(() => {
      const start = describeStart();
      const { path, routedPath = path } = start;
      if (isIgnored(routedPath)) return undefined;
      const startedAt = clock.monotonic();
      const time = new Date(clock.now()).toISOString();
      const scope = requestScope(request, start, path);
      let hasEnded = false;

      return {
        run: (next) => runInScope(scope, next),
        end(describeEnd) {
          if (hasEnded) return;
          hasEnded = true;
          attempt(() => {
            const end = describeEnd();
            const exchange: Exchange = {
              method: start.method,
              path,
              ...end,
              outcome: outcomeOf(end.status, end.isAborted),
              durationMs: Math.round((clock.monotonic() - startedAt) * 1000) / 1000,
            };
            const when = options.when ?? recordChangesAndRefusals;
            // A rule that fails must not be a way to go unrecorded.
            if (!(attempt(() => Boolean(when(exchange, request))) ?? true)) return;
            const event = describeEvent(exchange, request, time, scope);
            runInScope(scope, () => options.recorder.record(event)).catch(report);
          });
        },
      };
    });

  function requestScope(request: Request, start: ExchangeStart, path: string): Scope {
    const requestId =
      parseRequestId(attempt(() => options.requestId?.(request))) ??
      parseRequestId(start.header('x-request-id')) ??
      uuidV7(clock.now(), random(10));
    return {
      parent: currentScope(),
      values: {
        source: sourceOf(start, clientAddress),
        trail: options.trail,
        context: {
          requestId,
          ...parseTraceparent(start.header('traceparent')),
          http: { method: start.method.slice(0, 32), path: path.slice(0, eventLimits.path) },
        },
      },
      // When the lookup fails the event has no actor: that it was nobody would be a guess.
      findActor: options.actor && (() => attempt(() => options.actor?.(request) ?? anonymous)),
      findTenant: options.tenant && (() => attempt(() => options.tenant?.(request))),
    };
  }

  function describeEvent(exchange: Exchange, request: Request, time: string, scope: Scope): Event {
    const { route, status } = exchange;
    const targets = attempt(() => options.targets?.(exchange, request));
    return {
      action: attempt(() => options.action?.(exchange, request)) ?? defaultAction(exchange.method),
      category: 'api_activity',
      outcome: exchange.outcome,
      ...(exchange.isAborted && { reason: 'The connection closed before the response was complete.' }),
      time,
      ...(targets && { targets: [...targets] }),
      context: {
        ...scope.values.context,
        http: {
          ...scope.values.context?.http,
          ...(route !== undefined && { route: route.slice(0, eventLimits.path) }),
          ...(status !== undefined && { status }),
          durationMs: exchange.durationMs,
        },
      },
    };
  }
}

function defaultAction(method: string): string {
  return /^[A-Za-z-]{1,32}$/.test(method) ? `http.${method.toLowerCase()}` : 'http.other';
}

function sourceOf(start: ExchangeStart, clientAddress: ClientAddress): NonNullable<Event['source']> {
  const ip = clientAddress(start.peerAddress, start.header);
  const direct = clientAddress(start.peerAddress);
  const userAgent = start.header('user-agent')?.slice(0, eventLimits.path);
  return {
    ...(ip !== undefined && { ip }),
    // The port of a proxy would say nothing about the client.
    ...(ip !== undefined && ip === direct && start.peerPort !== undefined && { port: start.peerPort }),
    ...(userAgent !== undefined && { userAgent }),
  };
}

/** Makes a handler for errors that throws none itself. */
function reporter(onError: (error: unknown) => void): (error: unknown) => void {
  return (error) => {
    try {
      onError(error);
    } catch (cause) {
      warnAbout(cause);
    }
  };
}

/** Runs what must not disturb the request: when it throws, the error is reported and the result is undefined. */
function guard(report: (error: unknown) => void): <T>(action: () => T) => T | undefined {
  return (action) => {
    try {
      return action();
    } catch (error) {
      report(error);
      return undefined;
    }
  };
}

function warnAbout(error: unknown): void {
  // What is not ours may quote contents of the request: only its kind is told.
  const kind = error instanceof Error ? error.name : typeof error;
  warnOnce(
    error instanceof SealtrailError
      ? error
      : new SealtrailError('internal', `capturing a request failed (${kind})`),
  );
}
