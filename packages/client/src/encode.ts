import { type Event, eventLimits, SealtrailError, uuidV7 } from '@sealtrail/core';
import type { Clock, RandomBytes } from './clock.ts';
import { fillFromContext, type RecordContext } from './context.ts';
import { ProducerSequences, type RecorderProducer } from './producer-sequences.ts';
import { compileRedaction } from './redact.ts';
import type { EncodedEvent } from './transport.ts';

export interface EncoderOptions {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly producer: RecorderProducer;
  readonly defaults: RecordContext | undefined;
  readonly redact: readonly string[];
}

/** An event with its size, so that the queue can count bytes. */
export interface SizedEvent extends EncodedEvent {
  readonly bytes: number;
}

/**
 * Makes the function that turns what the application reports into what travels: fills in context, defaults, id, time
 * and producer, redacts, and writes the JSON. The text is a snapshot: what the application does to its objects
 * afterwards changes nothing.
 *
 * Every event takes a sequence number of its trail, also one that is then refused: the gap it leaves says that something
 * which happened is not in the trail.
 *
 * @throws SealtrailError invalid_configuration
 */
export function createEncoder(options: EncoderOptions): (event: Event) => SizedEvent {
  const { clock, random, defaults } = options;
  const redact = options.redact.length > 0 ? compileRedaction(options.redact) : undefined;
  const sequences = new ProducerSequences(options.producer);

  return (event) => {
    // Callers without types can pass anything; everything else about an event is for the server's schema to say.
    if (typeof event !== 'object' || event === null) {
      throw new SealtrailError('invalid_event', 'expected an event object');
    }
    const nowMs = clock.now();
    const inContext = fillFromContext(event);
    const filled = defaults ? fillFromContext(inContext, defaults) : inContext;
    const id = event.id ?? uuidV7(nowMs, random(10));
    let json = writeJson({
      ...filled,
      id,
      time: event.time ?? new Date(nowMs).toISOString(),
      producer: event.producer ?? sequences.next(filled.trail),
    });
    if (redact) {
      // Redaction works on what the JSON says, not on the objects: a toJSON method cannot hide a field from it.
      const copy = JSON.parse(json) as Event;
      redact(copy);
      json = JSON.stringify(copy);
    }
    const bytes = Buffer.byteLength(json);
    if (bytes > eventLimits.entryBytes) {
      throw new SealtrailError(
        'entry_too_large',
        `expected an event of at most ${eventLimits.entryBytes} bytes of JSON, got ${bytes}; shorten metadata or changes`,
      );
    }
    return { id, json, bytes };
  };
}

function writeJson(event: Event): string {
  try {
    return JSON.stringify(event);
  } catch {
    // The cause is left out on purpose: it can come from a toJSON method of the application and quote contents.
    throw new SealtrailError(
      'invalid_event',
      'expected an event that can be written as JSON: no cycles, no BigInt, no toJSON method that throws',
    );
  }
}
