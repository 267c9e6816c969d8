import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { SealtrailError } from '@sealtrail/core';
import { type DetectorInput, eventTimeOf, type Logsource, type SourcedEvent } from '@sealtrail/core/sigma';

/**
 * Events out of JSON Lines: each line is an event, or `{"logsource": {...}, "event": {...}}`. The index of an event is the
 * number of its line, from 0; blank lines are passed over but counted. An event that does not say when it happened
 * happened when the one before it did.
 *
 * @throws SealtrailError invalid_parameter naming the line that is none
 */
export async function* eventsInLines(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<DetectorInput, undefined> {
  let timeMs = 0;
  let index = -1;
  const input = Readable.from(chunks, { objectMode: false });
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    index++;
    if (line.trim() === '') continue;
    const view = viewOf(line);
    if (view === undefined)
      throw new SealtrailError(
        'invalid_parameter',
        `${file}:${index + 1}: expected an event as a JSON object`,
      );
    timeMs = eventTimeOf(view.event) ?? timeMs;
    yield { views: [view], timeMs, receivedMs: Number.MAX_SAFE_INTEGER, index, partition: '' };
  }
  return undefined;
}

function viewOf(text: string): SourcedEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { logsource, event } = value;
  if (isObject(event) && isObject(logsource) && Object.keys(value).length === 2)
    return { event, logsource: logsourceIn(logsource) };
  return { event: value, logsource: {} };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What says nothing, such as null, leaves the attribute open. */
function logsourceIn(given: Record<string, unknown>): Logsource {
  const names = ['category', 'product', 'service'] as const;
  return Object.fromEntries(
    names.flatMap((name) => (typeof given[name] === 'string' ? [[name, given[name]]] : [])),
  );
}
