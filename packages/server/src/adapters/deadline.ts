/**
 * Runs an attempt with a signal that ends it with the caller's, or after a time; nothing of either is left behind. What
 * cannot be ended, such as the look-up of a name, is not waited for. The time is over as an error named `TimeoutError`.
 */
export async function withDeadline<T>(
  signal: AbortSignal,
  timeoutMs: number,
  attempt: (ends: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const ends = new AbortController();
  const abort = (): void => ends.abort(signal.reason);
  const timer = setTimeout(
    () => ends.abort(new DOMException('no answer in time', 'TimeoutError')),
    timeoutMs,
  );
  signal.addEventListener('abort', abort, { once: true });
  const over = Promise.withResolvers<never>();
  ends.signal.addEventListener('abort', () => over.reject(ends.signal.reason), { once: true });
  try {
    return await Promise.race([attempt(ends.signal), over.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
