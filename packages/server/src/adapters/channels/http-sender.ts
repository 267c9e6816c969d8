import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Outgoing, SendOutcome } from '../../channel-ports.ts';
import { withDeadline } from '../deadline.ts';
import { failureOf } from './send-failure.ts';
import { type TargetGuard, TargetRefused } from './target-guard.ts';

type Request = Extract<Outgoing, { via: 'http' }>;

export interface HttpSenderOptions {
  readonly guard: TargetGuard;
  /** Value of the header User-Agent. */
  readonly userAgent: string;
  /** From the first byte of an attempt to its answer, redirects included. */
  readonly timeoutMs: number;
  /** Certificates that are trusted instead of the usual ones (PEM). */
  readonly ca?: string | undefined;
}

/** What is read of an answer beyond its head, so that its connection can be used again. */
const maxAnswerBytes = 64 * 1024;
const maxAnswerMs = 2000;
const maxRedirects = 3;
/** A connection that lies idle for longer is closed: most servers do by then. */
const idleMs = 4000;
const maxRetryAfterMs = 86_400_000;

/**
 * Sends by HTTP POST. Redirects are followed where they keep method and body (307 and 308) and stay with the origin: what
 * is sent is for the one that was named, and neither an alert nor a signature nor a header goes to another. Cookies are
 * neither kept nor sent, and nothing is read from an answer but its status and its headers.
 */
export class HttpSender implements Disposable {
  readonly #options: HttpSenderOptions;
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  constructor(options: HttpSenderOptions) {
    this.#options = options;
    const { lookup } = options.guard;
    const shared = { keepAlive: true, timeout: idleMs, maxFreeSockets: 2, lookup };
    this.#http = new HttpAgent(shared);
    this.#https = new HttpsAgent({ ...shared, ...(options.ca !== undefined && { ca: options.ca }) });
  }

  /** Rejects only when it is aborted. */
  async send({ url, headers, body }: Request, signal: AbortSignal): Promise<SendOutcome> {
    const sent = {
      ...headers,
      'user-agent': this.#options.userAgent,
      'content-length': String(Buffer.byteLength(body)),
    };
    try {
      return await withDeadline(signal, this.#options.timeoutMs, (ends) =>
        this.#follow(new URL(url), sent, body, ends),
      );
    } catch (error) {
      signal.throwIfAborted();
      return failureOf(error);
    }
  }

  [Symbol.dispose](): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  async #follow(
    first: URL,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    let url = first;
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#post(url, headers, body, signal);
      const status = answer.statusCode ?? 0;
      if (status !== 307 && status !== 308) return outcomeOf(status, answer.headers['retry-after']);
      const next = locationOf(answer, url);
      if (next === undefined) return { kind: 'refused', error: `HTTP ${status} without a location` };
      if (next.origin !== first.origin)
        return { kind: 'refused', error: `HTTP ${status} to another origin, which is not followed` };
      if (redirects === maxRedirects)
        return { kind: 'refused', error: `redirected more than ${maxRedirects} times` };
      url = next;
    }
  }

  async #post(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    // Sockets look up names alone.
    const refusal = this.#options.guard.refusal(url.hostname);
    if (refusal !== undefined) throw new TargetRefused(refusal);
    for (;;) {
      const request =
        url.protocol === 'https:'
          ? httpsRequest(url, { method: 'POST', agent: this.#https, headers, signal })
          : httpRequest(url, { method: 'POST', agent: this.#http, headers, signal });
      try {
        return await new Promise<IncomingMessage>((resolve, reject) => {
          request.on('error', reject);
          request.once('response', (answer) => {
            drain(answer);
            resolve(answer);
          });
          request.end(body);
        });
      } catch (error) {
        // The other end has closed a connection that lay idle, at the moment in which it was used again.
        if (!(request.reusedSocket && isReset(error))) throw error;
      }
    }
  }
}

/** Reads an answer to its end, within bounds, and forgets it. */
function drain(answer: IncomingMessage): void {
  let left = maxAnswerBytes;
  const timer = setTimeout(() => answer.destroy(), maxAnswerMs);
  answer.on('close', () => clearTimeout(timer));
  answer.on('error', () => {});
  answer.on('data', (chunk: Uint8Array) => {
    left -= chunk.length;
    if (left < 0) answer.destroy();
  });
}

const isReset = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');

/** Where a redirect leads to, without what it would have a client sign in with. */
function locationOf(answer: IncomingMessage, base: URL): URL | undefined {
  const location = answer.headers.location;
  if (location === undefined || !URL.canParse(location, base)) return undefined;
  const url = new URL(location, base);
  url.username = '';
  url.password = '';
  return url;
}

function outcomeOf(status: number, retryAfter: string | undefined): SendOutcome {
  const error = `HTTP ${status}`;
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 410) return { kind: 'gone', error };
  if (status >= 500 || status === 408 || status === 425 || status === 429)
    return { kind: 'retry', error, retryAfterMs: retryAfterMs(retryAfter) };
  return { kind: 'refused', error };
}

/** Retry-After: seconds or a date (RFC 9110 section 10.2.3); at most a day. */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), maxRetryAfterMs);
}
