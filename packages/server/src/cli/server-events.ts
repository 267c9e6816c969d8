import { setTimeout as delay } from 'node:timers/promises';
import { SealtrailError } from '@sealtrail/core';

const firstPauseMs = 500;
const longestPauseMs = 10_000;

/**
 * The data of server-sent events, across lost connections: opens again with the id of the last event, so that nothing
 * is missed or repeated. Ends when the signal is aborted.
 *
 * @param open asks the server, given the last event's id
 */
export async function* readServerEvents(
  open: (lastId: string | undefined) => Promise<Response>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let lastId: string | undefined;
  for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      const response = await open(lastId);
      for await (const { id, data } of messages(response)) {
        pauseMs = firstPauseMs;
        lastId = id ?? lastId;
        yield data;
      }
    } catch (error) {
      if (signal.aborted) return;
      // What the server refuses it will refuse again; a lost connection comes back.
      if (error instanceof SealtrailError && error.status < 500) throw error;
    }
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Messages of one response (WHATWG HTML, server-sent events), as far as our server uses the format. */
async function* messages(response: Response): AsyncGenerator<{ id: string | undefined; data: string }> {
  let rest = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const fields = block
        .split('\n')
        .map((line): [string, string] => [
          line.slice(0, line.indexOf(':')),
          line.slice(line.indexOf(':') + 2),
        ]);
      const data = fields.filter(([name]) => name === 'data').map(([, value]) => value);
      if (data.length > 0) yield { id: fields.find(([name]) => name === 'id')?.[1], data: data.join('\n') };
    }
  }
}
