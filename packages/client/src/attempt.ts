import { SealtrailError } from '@sealtrail/core';
import type { Clock } from './clock.ts';
import type { DeliveryResult, EncodedEvent, Transport } from './transport.ts';

/**
 * One attempt with a time limit; never throws. It is raced and not only signalled: a transport that does not heed its
 * signal must not hold up the queue for ever.
 */
export async function attemptDelivery(
  transport: Transport,
  events: readonly EncodedEvent[],
  clock: Clock,
  timeoutMs: number,
  stop: AbortSignal,
): Promise<DeliveryResult> {
  const abandon = new AbortController();
  const answered = new AbortController();
  const timer = clock.sleep(timeoutMs, AbortSignal.any([answered.signal, stop]));
  const outOfTime = timer.then((): DeliveryResult => {
    if (!answered.signal.aborted) abandon.abort();
    return unavailable(`no answer within ${timeoutMs} ms`, undefined);
  });
  try {
    return await Promise.race([transport(events, abandon.signal), outOfTime]);
  } catch (cause) {
    if (cause instanceof SealtrailError) return { kind: 'unavailable', error: cause };
    return unavailable('the server could not be reached', cause);
  } finally {
    answered.abort();
  }
}

function unavailable(message: string, cause: unknown): DeliveryResult {
  return {
    kind: 'unavailable',
    error: new SealtrailError('not_delivered', message, cause === undefined ? {} : { cause }),
  };
}
