import { eventLimits, SealtrailError, TILE_WIDTH } from '@sealtrail/core';

/** The largest resource of a log: a bundle of the longest entries. */
const maxBytes = TILE_WIDTH * (2 + eventLimits.entryBytes);
const defaultTimeoutMs = 30_000;

/** Where a server is, and with which token to read it. */
export interface RemoteLog {
  readonly url: string;
  readonly token: string | undefined;
  /** Longest time for an answer, from the request to the last byte; default 30 seconds. */
  readonly timeoutMs?: number;
  /** Ends requests that are under way. */
  readonly signal?: AbortSignal;
}

/**
 * Fetches a resource of a server; bounded in bytes (after decompression) and time. Redirects are not followed: they
 * would carry the token elsewhere.
 *
 * @returns undefined where the server has none
 * @throws SealtrailError unauthenticated | forbidden | storage_unavailable | body_too_large | invalid_configuration
 */
export async function fetchResource(remote: RemoteLog, path: string): Promise<Uint8Array | undefined> {
  const url = resourceUrl(remote, path);
  try {
    const response = await fetch(url, {
      headers: remote.token === undefined ? {} : { authorization: `Bearer ${remote.token}` },
      redirect: 'error',
      signal: AbortSignal.any([
        AbortSignal.timeout(remote.timeoutMs ?? defaultTimeoutMs),
        ...(remote.signal === undefined ? [] : [remote.signal]),
      ]),
    });
    if (response.ok) return await readBounded(response, url);
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    throw refusal(response.status, url);
  } catch (cause) {
    if (cause instanceof SealtrailError) throw cause;
    throw new SealtrailError(
      'storage_unavailable',
      `no server answers at ${url.origin} for ${url.pathname}`,
      {
        cause,
      },
    );
  }
}

/** @throws SealtrailError invalid_configuration */
export function resourceUrl({ url }: RemoteLog, path: string): URL {
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new SealtrailError('invalid_configuration', `expected an http or https address, got ${url}`);
  return new URL(path, url.endsWith('/') ? url : `${url}/`);
}

function refusal(status: number, { pathname }: URL): SealtrailError {
  switch (status) {
    case 401:
      return new SealtrailError(
        'unauthenticated',
        'the server wants a valid token: SEALTRAIL_TOKEN or --token',
      );
    case 403:
      return new SealtrailError(
        'forbidden',
        `the token does not allow reading ${pathname}: verifying takes one that reads the whole trail, of all tenants`,
      );
    default:
      return new SealtrailError('storage_unavailable', `the server answered ${status} for ${pathname}`);
  }
}

async function readBounded(response: Response, url: URL): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw new SealtrailError(
        'body_too_large',
        `the server sent more than ${maxBytes} bytes for ${url.pathname}`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
