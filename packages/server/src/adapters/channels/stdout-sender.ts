import type { Writable } from 'node:stream';
import type { SendOutcome } from '../../channel-ports.ts';
import { failureOf } from './send-failure.ts';

/** Writes a line; it counts when the stream has taken it. Rejects only when it is aborted. */
export async function sendToStdout(
  stream: Writable,
  line: string,
  signal: AbortSignal,
): Promise<SendOutcome> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    stream.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
    await promise;
    return { kind: 'delivered' };
  } catch (error) {
    signal.throwIfAborted();
    return failureOf(error);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
