import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExchangeStart } from './capture.ts';

/** What a request of `node:http` (or of the compatibility layer of `node:http2`) says at its beginning. */
export function startOf(request: IncomingMessage, url: string = request.url ?? '/'): ExchangeStart {
  return {
    method: request.method ?? 'GET',
    url,
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    peerAddress: request.socket.remoteAddress,
    peerPort: request.socket.remotePort,
  };
}

/**
 * Calls back once when the response is over: `finish` comes when the last byte was handed to the system, streamed or
 * not; `close` without it means that the connection ended first. Listening changes nothing about the response.
 */
export function onResponseEnd(
  response: Pick<ServerResponse, 'once'>,
  callback: (isAborted: boolean) => void,
): void {
  let isOver = false;
  const end = (isAborted: boolean): void => {
    if (isOver) return;
    isOver = true;
    callback(isAborted);
  };
  response.once('finish', () => end(false));
  response.once('close', () => end(true));
}

/** The status that was sent, or undefined when the connection closed before there was one. */
export function sentStatus(response: Pick<ServerResponse, 'headersSent' | 'statusCode'>): number | undefined {
  return response.headersSent ? response.statusCode : undefined;
}
