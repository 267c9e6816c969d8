import { type ErrorCode, errorKinds, type Problem, SealtrailError } from '@sealtrail/core';

/** Which server to talk to. */
export interface ServerOptions {
  readonly url: string;
  readonly token: string | undefined;
}

const timeoutMs = 60_000;

/** Calls a Sealtrail server; problems become errors with their code. */
export class ServerApi {
  readonly #options: ServerOptions;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  async json<T>(
    method: string,
    path: string,
    parameters: Readonly<Record<string, string | undefined>> = {},
    body?: unknown,
  ): Promise<T> {
    const init =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    return (await (await this.request(method, path, parameters, init)).json()) as T;
  }

  /** A response with status 2xx. @throws SealtrailError the code of the server's problem, or not_found when there is no server */
  async request(
    method: string,
    path: string,
    parameters: Readonly<Record<string, string | undefined>> = {},
    init: RequestInit = {},
  ): Promise<Response> {
    const { url: base, token } = this.#options;
    if (!URL.canParse(base) || !/^https?:/.test(base))
      throw new SealtrailError('invalid_configuration', `expected an http or https address, got ${base}`);
    const url = new URL(path, base.endsWith('/') ? base : `${base}/`);
    for (const [name, value] of Object.entries(parameters))
      if (value !== undefined) url.searchParams.set(name, value);
    const response = await fetch(url, {
      signal: AbortSignal.timeout(timeoutMs),
      ...init,
      method,
      headers: { ...init.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    }).catch((cause: unknown) => {
      throw new SealtrailError(
        'storage_unavailable',
        `no server answers at ${base}; is it running? (sealtrail serve)`,
        { cause },
      );
    });
    if (response.ok) return response;
    throw await problemError(response, token === undefined);
  }
}

async function problemError(response: Response, hasNoToken: boolean): Promise<SealtrailError> {
  const problem = (await response.json().catch(() => undefined)) as Problem | undefined;
  const code = problem && Object.hasOwn(errorKinds, problem.code) ? (problem.code as ErrorCode) : 'internal';
  const hint = response.status === 401 && hasNoToken ? '; set SEALTRAIL_TOKEN or --token' : '';
  return new SealtrailError(
    code,
    `${problem?.detail ?? problem?.title ?? `the server answered ${response.status}`}${hint}`,
    {
      details: problem?.errors ?? [],
    },
  );
}
