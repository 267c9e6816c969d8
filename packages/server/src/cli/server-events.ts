import { setTimeout as delay } from 'node:timers/promises';
import { errorKinds, SealtrailError } from '@sealtrail/core';

const firstPauseMs = 500;
const longestPauseMs = 10_000;
/** Several times the longest entry as JSON. */
const maxMessageLength = 1024 * 1024;

export interface ServerEventsOptions {
  /** Asks the server, given the id of the last event. */
  readonly open: (lastId: string | undefined) => Promise<Response>;
  readonly signal: AbortSignal;
  /** Told once when a connection is lost, before it is opened again, and once when it is back. */
  readonly onConnection?: (state: 'lost' | 'back') => void;
  /** Before the first try to come back; doubled from one to the next. */
  readonly pauseMs?: number;
}

/**
 * The data of server-sent events, across lost connections: opens again with the id of the last event, so that nothing
 * is missed or repeated.
 *
 * @throws why the first connection failed; later what trying again cannot change; the reason of the signal
 */
export async function* readServerEvents(options: ServerEventsOptions): AsyncGenerator<string> {
  const { open, signal, onConnection = () => {} } = options;
  const shortestPauseMs = options.pauseMs ?? firstPauseMs;
  let pauseMs = shortestPauseMs;
  let lastId: string | undefined;
  let response: Response | undefined = await open(undefined);
  for (;;) {
    if (response) {
      try {
        for await (const { id, data } of messages(response)) {
          pauseMs = shortestPauseMs;
          lastId = id ?? lastId;
          if (data !== undefined) yield data;
        }
      } catch (error) {
        if (!isPassing(error)) throw error;
      }
      signal.throwIfAborted();
      onConnection('lost');
    }
    await delay(pauseMs, undefined, { signal });
    pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    response = await open(lastId).catch((error: unknown) => {
      signal.throwIfAborted();
      if (isPassing(error)) return undefined;
      throw error;
    });
    if (response) onConnection('back');
  }
}

/** Whether trying again can help: a lost connection comes back; what the server refuses it will refuse again. */
function isPassing(error: unknown): boolean {
  return !(error instanceof SealtrailError) || 'retryable' in errorKinds[error.code];
}

/**
 * Messages of one response (WHATWG HTML, server-sent events), as far as our server uses the format. One without data is
 * no event, but says from where to go on.
 */
async function* messages(
  response: Response,
): AsyncGenerator<{ readonly id: string | undefined; readonly data: string | undefined }> {
  let rest = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop()!;
    if (rest.length > maxMessageLength)
      throw new SealtrailError('body_too_large', `an event has more than ${maxMessageLength} characters`);
    for (const block of blocks) {
      const fields = block
        .split('\n')
        .map((line): [string, string] => [
          line.slice(0, line.indexOf(':')),
          line.slice(line.indexOf(':') + 2),
        ]);
      const data = fields.filter(([name]) => name === 'data').map(([, value]) => value);
      yield {
        id: fields.find(([name]) => name === 'id')?.[1],
        data: data.length === 0 ? undefined : data.join('\n'),
      };
    }
  }
}
