import { createServer, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { type ErrorCode, SealtrailError } from '@sealtrail/core';
import type { HttpEnv } from './context.ts';
import { problemOf, problemResponse, problemType } from './problem.ts';

/** How long a client may take. */
export interface ClientTimeouts {
  /** For a whole request, its body included. */
  readonly requestMs: number;
  readonly headersMs: number;
  /** Between two requests on one connection. */
  readonly idleMs: number;
  /** How often the first two are checked. */
  readonly checkMs: number;
}

export const defaultTimeouts: ClientTimeouts = {
  requestMs: 300_000,
  headersMs: 15_000,
  idleMs: 30_000,
  checkMs: 5_000,
};

const maxHeaderBytes = 16_384;
/** Further ones are closed at once; each may hold some tens of kilobytes for as long as the timeouts allow. */
const maxConnections = 4096;

export interface HttpServerOptions {
  /** How long running requests may take to end once a stop was asked for. */
  readonly drainMs: number;
  /** Aborted when draining begins: ends streams, which would never end by themselves. */
  readonly closing: AbortController;
  readonly timeouts?: ClientTimeouts;
}

/** The socket side: bounds on slow and idle clients, and a stop that loses no running request. */
export class HttpServer implements AsyncDisposable {
  readonly #options: HttpServerOptions;
  #server: Server | undefined;
  #isDraining = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Where the server listens. */
  get url(): string {
    const { address, port, family } = this.#server!.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  async listen(app: OpenAPIHono<HttpEnv>, host: string, port: number): Promise<void> {
    const listener = getRequestListener(app.fetch, {
      overrideGlobalObjects: false,
      // What comes here was refused before it reached the application, such as a Host header that is none.
      errorHandler: (error) =>
        problemResponse(error instanceof RequestError ? new SealtrailError('malformed_request') : error),
    });
    const { requestMs, headersMs, idleMs, checkMs } = this.#options.timeouts ?? defaultTimeouts;
    this.#server = createServer(
      {
        requestTimeout: requestMs,
        headersTimeout: headersMs,
        keepAliveTimeout: idleMs,
        connectionsCheckingInterval: checkMs,
        maxHeaderSize: maxHeaderBytes,
        // Node would refuse a request without one by a bare 400; the listener refuses it as it refuses a wrong one.
        requireHostHeader: false,
      },
      listener as Parameters<typeof createServer>[1],
    );
    this.#server.maxConnections = maxConnections;
    this.#server.on('clientError', answerClientError);
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  }

  /** Stops taking connections, lets running requests end, then closes what is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server;
    if (!server || this.#isDraining) return;
    this.#isDraining = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    this.#options.closing.abort();
    // Connections are kept alive for a next request; those whose request ends now wait for one that will not be taken.
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    const timer = setTimeout(() => server.closeAllConnections(), this.#options.drainMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(timer);
  }
}

/** Codes of what Node's HTTP parser refuses; anything else is a malformed request. */
const clientErrors: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** Answers what never became a request in the form of every other error, and closes the connection. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(new SealtrailError(clientErrors[error.code ?? ''] ?? 'malformed_request'));
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `content-type: ${problemType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
