import { cpSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { ownerScope } from '../../access/scopes.ts';
import { parseConfig } from '../../config.ts';
import type { HttpServer } from '../../http/server.ts';
import { type Engine, openEngine } from '../../main.ts';
import { serveEngine } from '../../serve-engine.ts';

export const adminToken = 'stk_test_admin_token_000000';

/** A data folder with a server on it that can be stopped, copied and started again at the same address. */
export class ServedLog implements AsyncDisposable {
  readonly dir: string;
  readonly #originPrefix: string;
  #port = 0;
  #engine: Engine | undefined;
  #server: HttpServer | undefined;

  constructor(dir: string, originPrefix = 'audit.example') {
    this.dir = dir;
    this.#originPrefix = originPrefix;
  }

  get engine(): Engine {
    return this.#engine!;
  }

  get url(): string {
    return this.#server!.url;
  }

  /** The trust policy of the folder, to pin. */
  get policy(): string {
    return readFileSync(path.join(this.dir, 'trust-policy.txt'), 'utf8');
  }

  /** @param dir the folder that is served, by default its own: that of an attacker otherwise */
  async start(dir: string = this.dir): Promise<void> {
    const config = parseConfig({
      dir,
      port: this.#port,
      adminToken,
      originPrefix: this.#originPrefix,
      logLevel: 'silent',
      publishEveryMs: 3_600_000,
    });
    this.#engine = await openEngine(config);
    this.#server = await serveEngine(this.#engine);
    this.#port = Number(new URL(this.#server.url).port);
  }

  async stop(): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    await this.#engine?.[Symbol.asyncDispose]();
    this.#server = undefined;
    this.#engine = undefined;
  }

  /** Stops, copies the folder and starts again. */
  async copyTo(dir: string): Promise<void> {
    await this.stop();
    cpSync(this.dir, dir, { recursive: true });
    await this.start();
  }

  /** Records events and publishes a checkpoint of them. */
  async record(
    count: number,
    { trail = 'main', tenant }: { trail?: string; tenant?: string } = {},
  ): Promise<string[]> {
    const request = this.engine.intake.begin(ownerScope, false);
    for (let i = 0; i < count; i++)
      request.addLine(Buffer.from(JSON.stringify({ trail, tenant, action: 'user.login', metadata: { i } })));
    const { receipts } = await request.finish();
    await this.engine.log.publish(trail);
    return receipts.map(({ id }) => id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** What a server in between makes of an answer; undefined: the true one. */
export type Falsify = (
  path: string,
  body: Buffer,
) =>
  | { readonly status?: number; readonly body?: Uint8Array | string; readonly location?: string }
  /** Answers itself, in whatever way. */
  | ((response: ServerResponse) => void)
  | undefined;

/** A server that passes answers of another one on, and falsifies some. */
export class FalsifyingServer implements AsyncDisposable {
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #falsify: Falsify;
  /** Address of the server behind. */
  upstream: string;
  requests = 0;

  private constructor(upstream: string, falsify: Falsify) {
    this.upstream = upstream;
    this.#falsify = falsify;
  }

  static async start(upstream: string, falsify: Falsify = () => undefined): Promise<FalsifyingServer> {
    const started = new FalsifyingServer(upstream, falsify);
    await new Promise<void>((resolve) => started.#server.listen(0, '127.0.0.1', resolve));
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++;
    const url = request.url!;
    const { authorization = '' } = request.headers;
    const upstream = await fetch(this.upstream + url, { headers: { authorization } });
    const body = Buffer.from(await upstream.arrayBuffer());
    const answer = this.#falsify(url, body);
    if (typeof answer === 'function') {
      answer(response);
      return;
    }
    const headers = answer?.location === undefined ? {} : { location: answer.location };
    response.writeHead(answer?.status ?? upstream.status, headers).end(answer?.body ?? body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
