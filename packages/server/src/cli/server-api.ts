import { type ErrorCode, errorDetailSchema, errorKinds, SealtrailError } from '@sealtrail/core';
import { z } from 'zod';
import { interruptionOf } from './interruption.ts';

/** Which server to talk to. */
export interface ServerOptions {
  readonly url: string;
  readonly token: string | undefined;
}

export type Parameters = Readonly<Record<string, string | undefined>>;

/** What goes along with a request. */
export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  /** What has to come in time: the whole answer (the default), or its beginning, of a stream that never ends. */
  readonly timely?: 'all' | 'beginning';
}

export const jsonBody = (value: unknown): RequestOptions => ({
  body: JSON.stringify(value),
  headers: { 'content-type': 'application/json' },
});

/** How long the server may take for what has to come in time. */
const defaultTimeoutMs = 60_000;

/** A problem as anybody may send it: what is not as it should be is left out, so that the rest can be told. */
const problemAnswer = z.object({
  code: z.string().optional().catch(undefined),
  title: z.string().optional().catch(undefined),
  detail: z.string().optional().catch(undefined),
  errors: z.array(errorDetailSchema).catch([]),
});

/** Calls a Sealtrail server; problems become errors with their code. */
export class ServerApi {
  readonly #options: ServerOptions;
  readonly #signal: AbortSignal;
  readonly #timeoutMs: number;

  /** @param signal ends every request, answers that are being read included */
  constructor(options: ServerOptions, signal: AbortSignal, timeoutMs: number = defaultTimeoutMs) {
    this.#options = options;
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
  }

  /** An answer in JSON. @throws as `request` does; not_found when it is none */
  async json<T>(method: string, path: string, parameters?: Parameters, options?: RequestOptions): Promise<T> {
    const text = await this.text(method, path, parameters, options);
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new SealtrailError(
        'not_found',
        `what answers at ${this.#options.url} is no Sealtrail server: expected JSON`,
        { cause },
      );
    }
  }

  /** An answer as it is. @throws as `request` does */
  async text(
    method: string,
    path: string,
    parameters?: Parameters,
    options?: RequestOptions,
  ): Promise<string> {
    const response = await this.request(method, path, parameters, options);
    return await response.text().catch((cause: unknown) => {
      throw this.#failure(cause, 'the answer broke off');
    });
  }

  /**
   * A response with status 2xx.
   *
   * @throws SealtrailError the code of the server's problem; storage_unavailable when there is no server;
   *   invalid_configuration when the address is none
   */
  async request(
    method: string,
    path: string,
    parameters: Parameters = {},
    { headers, body, timely = 'all' }: RequestOptions = {},
  ): Promise<Response> {
    const { token } = this.#options;
    const url = this.#urlOf(path, parameters);
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new Error(`nothing for ${this.#timeoutMs} ms`)),
      this.#timeoutMs,
    );
    // A timer alone is no reason to go on: what it guards has ended or holds a socket.
    timer.unref();
    const init = {
      method,
      signal: AbortSignal.any([this.#signal, late.signal]),
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      ...(body !== undefined && { body }),
    };
    try {
      const response = await fetch(url, init);
      if (timely !== 'all') clearTimeout(timer);
      if (!response.ok) throw await this.#problemOf(response);
      return response;
    } catch (error) {
      clearTimeout(timer);
      throw this.#failure(error, `no server answers at ${this.#options.url}; is it running?`);
    }
  }

  #urlOf(path: string, parameters: Parameters): URL {
    const { url: base } = this.#options;
    if (!URL.canParse(base) || !/^https?:/.test(base))
      throw new SealtrailError('invalid_configuration', `expected an http or https address, got ${base}`);
    const url = new URL(path, base.endsWith('/') ? base : `${base}/`);
    for (const [name, value] of Object.entries(parameters))
      if (value !== undefined) url.searchParams.set(name, value);
    return url;
  }

  /** What to throw for what a request failed with: what is known already, or that the server did not answer. */
  #failure(error: unknown, message: string): Error {
    const known = interruptionOf(error) ?? (error instanceof SealtrailError ? error : undefined);
    return known ?? new SealtrailError('storage_unavailable', message, { cause: error });
  }

  async #problemOf(response: Response): Promise<SealtrailError> {
    const answer: unknown = await response.json().catch((error: unknown) => {
      if (this.#signal.aborted) throw error;
      return undefined;
    });
    const { code, title, detail, errors } = problemAnswer.catch({ errors: [] }).parse(answer);
    const hint =
      response.status === 401 && this.#options.token === undefined ? '; set SEALTRAIL_TOKEN or --token' : '';
    const message = detail ?? title ?? `the server answered ${response.status}`;
    const seconds = /^\d{1,4}$/.exec(response.headers.get('retry-after') ?? '')?.[0];
    return new SealtrailError(codeOf(response.status, code), message + hint, {
      details: errors,
      ...(seconds !== undefined && { retryAfterSeconds: Number(seconds) }),
    });
  }
}

/** The code of a problem; where none is given, as by a proxy whose server is being restarted, what the status says. */
function codeOf(status: number, code: string | undefined): ErrorCode {
  if (code !== undefined && Object.hasOwn(errorKinds, code)) return code as ErrorCode;
  return status >= 502 && status <= 504 ? 'storage_unavailable' : 'internal';
}
