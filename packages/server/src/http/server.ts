import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { HttpEnv } from './context.ts';

export interface HttpServerOptions {
  /** How long running requests may take to end once a stop was asked for. */
  readonly drainMs: number;
  /** Aborted when draining begins: ends streams, which would never end by themselves. */
  readonly closing: AbortController;
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
    const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
    this.#server = createServer(
      {
        requestTimeout: 300_000,
        headersTimeout: 15_000,
        keepAliveTimeout: 30_000,
        connectionsCheckingInterval: 5_000,
        maxHeaderSize: 16_384,
      },
      listener as Parameters<typeof createServer>[1],
    );
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
    server.closeIdleConnections();
    const timer = setTimeout(() => server.closeAllConnections(), this.#options.drainMs);
    await closed;
    clearTimeout(timer);
  }
}
