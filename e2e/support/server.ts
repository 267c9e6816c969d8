import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CreatedToken, IngestResponse, NewToken, Problem } from '@sealtrail/core';
import { pino } from 'pino';
import { type ConfigInput, parseConfig } from '../../packages/server/dist/config.js';
import type { HttpServer } from '../../packages/server/dist/http/server.js';
import { type Engine, openEngine } from '../../packages/server/dist/main.js';
import { serveEngine } from '../../packages/server/dist/serve-engine.js';

/** The first admin token of every test server. */
export const adminSecret = 'admin-token-of-a-test';

/** What a request is answered with, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A real server on a real socket, over a data folder of its own. */
export class TestServer implements AsyncDisposable {
  readonly dir: string;
  readonly engine: Engine;
  readonly http: HttpServer;
  /** Lines that the server has logged. */
  readonly logs: readonly string[];

  readonly #keepsDir: boolean;

  constructor(dir: string, engine: Engine, http: HttpServer, logs: readonly string[], keepsDir: boolean) {
    this.#keepsDir = keepsDir;
    this.dir = dir;
    this.engine = engine;
    this.http = http;
    this.logs = logs;
  }

  get url(): string {
    return this.http.url;
  }

  /** Sends a request; with the admin token unless `headers` has another authorization. */
  async send(
    pathAndQuery: string,
    init: RequestInit & { readonly token?: string | null } = {},
  ): Promise<Answer> {
    const { token = adminSecret, ...rest } = init;
    const headers = new Headers(rest.headers);
    if (token !== null) headers.set('authorization', `Bearer ${token}`);
    const response = await fetch(`${this.url}${pathAndQuery}`, { ...rest, headers });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** Sends a request whose answer is JSON. */
  async json<T>(pathAndQuery: string, init?: Parameters<TestServer['send']>[1]): Promise<T> {
    const { status, text } = await this.send(pathAndQuery, init);
    if (status >= 300) throw new Error(`${pathAndQuery}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** Reports events and gives their receipts. */
  async record(events: object | readonly object[], token: string = adminSecret): Promise<IngestResponse> {
    return await this.json<IngestResponse>('/v1/events', {
      method: 'POST',
      body: JSON.stringify(events),
      headers: { 'content-type': 'application/json' },
      token,
    });
  }

  /** Makes a token; its trails and tenants are all unless given. */
  async token(wanted: Omit<NewToken, 'name'> & { readonly name?: string }): Promise<CreatedToken> {
    return await this.json<CreatedToken>('/v1/tokens', {
      method: 'POST',
      body: JSON.stringify({ name: 'test', ...wanted }),
      headers: { 'content-type': 'application/json' },
    });
  }

  /** Entries of a trail that are durable. */
  size(trail = 'main'): number {
    return this.engine.log.trail(trail)?.size ?? 0;
  }

  /** Entries of a trail from an index on. */
  entries(trail: string, from = 0): Record<string, unknown>[] {
    return this.engine.reader
      .entries(trail, from, this.size(trail))
      .map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>);
  }

  /** Writes bytes to a connection of its own and gives all that comes back until the server closes it. */
  async raw(...pieces: readonly (string | Uint8Array)[]): Promise<string> {
    const { hostname, port } = new URL(this.url);
    return await new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = connect(Number(port), hostname, () => {
        for (const piece of pieces) socket.write(piece);
      });
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
      socket.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ECONNRESET' || error.code === 'EPIPE' ? undefined : reject(error),
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.http[Symbol.asyncDispose]();
    await this.engine[Symbol.asyncDispose]();
    if (!this.#keepsDir) await rm(this.dir, { recursive: true, force: true });
  }
}

/**
 * Starts a server on any free port; a data folder that was given stays when it stops. Rules follow the log only where a
 * test says so: most are about something else, and each start reads them all.
 */
export async function startServer(config: ConfigInput = {}): Promise<TestServer> {
  const dir = config.dir ?? (await mkdtemp(path.join(tmpdir(), 'sealtrail-test-')));
  const logs: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line) => void logs.push(line) });
  const engine = await openEngine(
    parseConfig({
      dir,
      port: 0,
      adminToken: adminSecret,
      publishEveryMs: 50,
      drainMs: 500,
      detection: false,
      ...config,
    }),
    logger,
  );
  return new TestServer(dir, engine, await serveEngine(engine), logs, config.dir !== undefined);
}

/** The problem that an answer holds; it has to be one. */
export function problemOf(answer: Answer): Problem {
  if (answer.headers.get('content-type') !== 'application/problem+json')
    throw new Error(`expected a problem, got ${answer.status} ${answer.text}`);
  const problem = JSON.parse(answer.text) as Problem;
  if (problem.status !== answer.status || problem.type !== `urn:sealtrail:error:${problem.code}`)
    throw new Error(`the problem contradicts its answer: ${answer.status} ${answer.text}`);
  return problem;
}
