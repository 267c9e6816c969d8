import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExchangeStart } from './capture.ts';

/** What a request of `node:http` (or of the compatibility layer of `node:http2`) says at its beginning. */
export function startOf(
  request: IncomingMessage,
  paths: Pick<ExchangeStart, 'path' | 'routedPath'>,
): ExchangeStart {
  return {
    method: request.method ?? 'GET',
    ...paths,
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    peerAddress: request.socket.remoteAddress,
    peerPort: request.socket.remotePort,
  };
}

/** The path of a request target: origin form, or absolute form as sent to proxies (RFC 9112 section 3.2). */
export function pathOf(target: string): string {
  const path = withoutQuery(target).replace(/^https?:\/\/[^/]*/i, '');
  return path === '' ? '/' : path;
}

export const withoutQuery = (target: string): string => target.split(/[?#]/, 1)[0]!;

/**
 * Calls back when the response is over, and perhaps a second time, which does not count: `finish` comes when the last
 * byte was handed to the system, streamed or not; `close` without it means that the connection ended first. Listening
 * changes nothing about the response.
 */
export function onResponseEnd(
  response: Pick<ServerResponse, 'once'>,
  callback: (isAborted: boolean) => void,
): void {
  response.once('finish', () => callback(false));
  response.once('close', () => callback(true));
}

/** The status that was sent, or undefined when the connection closed before there was one. */
export function sentStatus(response: Pick<ServerResponse, 'headersSent' | 'statusCode'>): number | undefined {
  return response.headersSent ? response.statusCode : undefined;
}
