import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Event } from '@sealtrail/core';

/** One request as it arrived. */
export interface SeenRequest {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** The text of each element of the body, byte for byte. */
  readonly elements: readonly string[];
  readonly events: readonly Event[];
}

/** Answers one request in place of the server, or returns `pass` to let the server do what it would do anyway. */
export type Fault = (
  request: SeenRequest,
  response: ServerResponse,
  server: IngestServer,
) => undefined | 'pass' | Promise<undefined | 'pass'>;

/** A small server that speaks the contract of `POST /v1/events`, keeps events by id, and misbehaves as told. */
export class IngestServer implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  /** Stored events in order, each id once. */
  readonly stored: Event[] = [];
  readonly #faults: Fault[] = [];
  readonly #server: Server;
  /** Whether this server honours `partial=true`; one that does not refuses a whole request and names positions. */
  partial = true;
  /** Which events the schema of this server refuses. */
  isBad: (event: Event) => boolean = (event) => event.action === 'bad';
  #waiters: { readonly count: number; readonly resolve: () => void }[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<IngestServer> {
    const server = createServer();
    const ingest = new IngestServer(server);
    server.on('request', (request, response) => void ingest.#handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return ingest;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next requests meet these faults, one each; then the server is well again. */
  failNext(...faults: readonly Fault[]): this {
    this.#faults.push(...faults);
    return this;
  }

  /** Every request from now on meets this fault. */
  failAlways(fault: Fault): this {
    const repeat: Fault = (...args) => {
      this.#faults.unshift(repeat);
      return fault(...args);
    };
    return this.failNext(repeat);
  }

  heal(): void {
    this.#faults.length = 0;
  }

  /** Resolves when `count` requests have arrived. */
  arrived(count: number): Promise<void> {
    if (this.requests.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ count, resolve }));
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const events = JSON.parse(body) as Event[];
    const elements = events.map((event) => JSON.stringify(event));
    const request = { url: incoming.url ?? '', headers: incoming.headers, body, elements, events };
    this.requests.push(request);
    for (const waiter of this.#waiters) if (this.requests.length >= waiter.count) waiter.resolve();
    const fault = this.#faults.shift();
    if (!fault || (await fault(request, response, this)) === 'pass') this.answer(request, response);
  }

  /** Stores what is good, as the contract says, and answers. */
  answer(request: SeenRequest, response: ServerResponse): void {
    const errors = request.events.flatMap((event, position) =>
      this.isBad(event)
        ? [{ position, code: 'invalid_event', pointer: '/action', message: 'expected a good action' }]
        : [],
    );
    if (errors.length > 0 && !this.partial) {
      problem(response, 422, 'invalid_event', errors);
      return;
    }
    const receipts = this.store(request.events.filter((event) => !this.isBad(event)));
    sendJson(response, 201, errors.length > 0 ? { receipts, errors } : { receipts });
  }

  store(events: readonly Event[]): object[] {
    return events.map((event) => {
      let index = this.stored.findIndex((stored) => stored.id === event.id);
      if (index === -1) index = this.stored.push(event) - 1;
      return { id: event.id, trail: event.trail ?? 'main', index, leafHash: `${'A'.repeat(43)}=` };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Reads the request and closes the connection without an answer; with `store`, after the events were stored. */
export function dropConnection(options: { readonly afterStoring?: boolean } = {}): Fault {
  return (request, response, server) => {
    if (options.afterStoring) server.store(request.events);
    response.socket?.destroy();
    return undefined;
  };
}

/** Answers with a problem document. */
export function refuse(status: number, code: string, headers: Readonly<Record<string, string>> = {}): Fault {
  return (_request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    problem(response, status, code);
    return undefined;
  };
}

/** Never answers; the connection stays open until the client leaves. */
export const hang: Fault = () => undefined;

/** Answers with any body, such as that of a proxy in between. */
export function answerWith(status: number, type: string, body: string): Fault {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': type }).end(body);
    return undefined;
  };
}

function problem(response: ServerResponse, status: number, code: string, errors?: readonly object[]): void {
  const body = { type: `https://example.test/problems/${code}`, title: code, status, code };
  response.setHeader('content-type', 'application/problem+json');
  response.writeHead(status).end(JSON.stringify(errors ? { ...body, errors } : body));
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
