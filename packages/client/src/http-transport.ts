import { SealtrailError } from '@sealtrail/core';
import { type Clock, systemClock } from './clock.ts';
import { readAnswer } from './http-answer.ts';
import type { EncodedEvent, Transport } from './transport.ts';

/** Where and how to reach a Sealtrail server. */
export interface HttpTransportOptions {
  /** Address of the server, such as `https://audit.example.com`; a path in front of `/v1` is kept. */
  readonly url: string | URL;
  /** Bearer token of role `ingest`, or a function asked before each attempt, for tokens that change. */
  readonly token: string | (() => string | Promise<string>);
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * A transport that posts batches to `POST /v1/events` as a JSON array. It asks for `partial=true`, so that one bad event
 * does not keep the others out, and also understands a server that refuses the whole request and names the positions,
 * and one that fails midway and says what is stored.
 * Redirects are not followed: they could take the token elsewhere.
 *
 * @throws SealtrailError invalid_configuration
 */
export function httpTransport(options: HttpTransportOptions): Transport {
  const endpoint = eventsEndpoint(options.url);
  const { token, clock = systemClock } = options;
  if (typeof token === 'string') assertToken(token);
  const send = options.fetch ?? globalThis.fetch;

  return async (events, signal) => {
    const bearer = typeof token === 'string' ? token : await token();
    assertToken(bearer);
    const response = await send(endpoint, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${bearer}`,
        'content-type': 'application/json',
        accept: 'application/json, application/problem+json',
      },
      body: jsonArray(events),
      redirect: 'manual',
      signal,
    });
    return readAnswer(response, events, clock.now());
  };
}

function jsonArray(events: readonly EncodedEvent[]): string {
  return `[${events.map((event) => event.json).join(',')}]`;
}

function eventsEndpoint(address: string | URL): string {
  const base = URL.parse(String(address));
  if (!base || (base.protocol !== 'http:' && base.protocol !== 'https:')) {
    throw invalid('url: expected an http or https address, such as https://audit.example.com');
  }
  if (base.username || base.password) throw invalid('url: must not hold credentials; use token');
  if (base.search || base.hash) throw invalid('url: must have neither query nor fragment');
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return new URL('v1/events?partial=true', base).href;
}

/** RFC 6750 section 2.1. Checked here because `fetch` would quote a token that it refuses in its error message. */
function assertToken(token: unknown): asserts token is string {
  if (typeof token !== 'string' || !/^[\w.~+/-]{1,4096}=*$/.test(token)) {
    throw invalid(
      'token: expected a bearer token (letters, digits and -._~+/), without spaces or line breaks',
    );
  }
}

function invalid(message: string): SealtrailError {
  return new SealtrailError('invalid_configuration', message);
}
