import { type Outcome, SealtrailError } from '@sealtrail/core';

/** A request and its answer, once it is over: what rules about recording look at. */
export interface Exchange {
  readonly method: string;
  /** The path that the framework has taken out of the request, without the query string. */
  readonly path: string;
  /**
   * Template of the route that matched, such as `/orders/:id`, or that the request was on its way to when middleware
   * refused it; undefined when there is none, or when the framework does not tell. It never holds values of parameters.
   */
  readonly route: string | undefined;
  /** Undefined when the connection closed before a status was sent. */
  readonly status: number | undefined;
  /** True when the connection closed before the answer was complete. */
  readonly isAborted: boolean;
  /** `denied` for 401 and 403, `failure` for other statuses from 400, `unknown` when it was cut off, else `success`. */
  readonly outcome: Outcome;
  readonly durationMs: number;
}

const readingMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']);

/** What is recorded by default: every request that may change something, and every one that was denied or failed. */
export function recordChangesAndRefusals(exchange: Exchange): boolean {
  return (
    !readingMethods.has(exchange.method) || exchange.outcome === 'denied' || exchange.outcome === 'failure'
  );
}

export function outcomeOf(status: number | undefined, isAborted: boolean): Outcome {
  if (isAborted || status === undefined) return 'unknown';
  if (status === 401 || status === 403) return 'denied';
  return status >= 400 ? 'failure' : 'success';
}

/**
 * What servers read in different ways: dot segments, also escaped or in front of a semicolon, escaped slashes,
 * backslashes, empty segments. Escapes may be escaped in their turn.
 */
const ambiguous = /\\|\/\/|%(?:25)*(?:2f|5c)|\/(?:\.|%(?:25)*2e){1,2}(?:\/|;|%(?:25)*3b|$)/i;

/**
 * Compiles a list of paths to leave out: exact ones, or beginnings when they end in `*` (`/assets/*`). A beginning says
 * nothing about a path like `/assets/..%2fadmin`, which a handler may pass on to whom it means `/admin`: none such is
 * left out.
 *
 * @throws SealtrailError invalid_configuration
 */
export function compileIgnore(paths: readonly string[]): (path: string) => boolean {
  for (const path of paths) {
    const star = path.indexOf('*');
    if (!path.startsWith('/') || (star !== -1 && star !== path.length - 1)) {
      throw new SealtrailError(
        'invalid_configuration',
        `ignore: expected a path such as /healthz or /assets/*, got "${path}"`,
      );
    }
  }
  const exact = new Set(paths.filter((path) => !path.endsWith('*')));
  const beginnings = paths.filter((path) => path.endsWith('*')).map((path) => path.slice(0, -1));
  return (path) =>
    exact.has(path) || (beginnings.some((beginning) => path.startsWith(beginning)) && !ambiguous.test(path));
}
