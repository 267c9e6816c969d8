import type { TestServer } from './server.ts';

/** One server-sent event. */
export interface StreamEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** A reader of a stream of server-sent events, which takes them one by one and can go away at any time. */
export class StreamReader implements AsyncDisposable {
  readonly #abort: AbortController;
  readonly #events: AsyncGenerator<StreamEvent>;

  constructor(response: Response, abort: AbortController) {
    this.#abort = abort;
    this.#events = eventsOf(response);
  }

  /** The next events; fewer when the stream ends. */
  async take(count: number): Promise<StreamEvent[]> {
    const taken: StreamEvent[] = [];
    while (taken.length < count) {
      const { value, done } = await this.#events.next();
      if (done) break;
      taken.push(value);
    }
    return taken;
  }

  /** True when the server has ended the stream. */
  async hasEnded(): Promise<boolean> {
    return (await this.#events.next()).done === true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    return Promise.resolve();
  }
}

/** Opens a stream. */
export async function followStream(
  server: TestServer,
  path: string,
  token: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<StreamReader> {
  const abort = new AbortController();
  const response = await fetch(`${server.url}${path}`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    signal: abort.signal,
  });
  if (response.headers.get('content-type') !== 'text/event-stream')
    throw new Error(`expected a stream, got ${response.status} ${await response.text()}`);
  return new StreamReader(response, abort);
}

async function* eventsOf(response: Response): AsyncGenerator<StreamEvent> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = new Map(
        text
          .slice(0, end)
          .split('\n')
          .map((line) => {
            const [name = '', ...value] = line.split(': ');
            return [name, value.join(': ')] as const;
          }),
      );
      text = text.slice(end + 2);
      const data = fields.get('data');
      if (data !== undefined) yield { id: fields.get('id') ?? '', event: fields.get('event') ?? '', data };
    }
  }
}
