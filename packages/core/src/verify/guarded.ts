/**
 * Iterates over what evidence gives; when it throws, `onError` hears of it and the iteration ends. Errors of the
 * consumer go their own way.
 */
export async function* readGuarded<T>(
  open: () => AsyncIterable<T>,
  onError: (error: unknown) => void,
): AsyncGenerator<T, undefined> {
  let items: AsyncIterator<T> | undefined;
  let ended = false;
  try {
    for (;;) {
      let step: IteratorResult<T>;
      try {
        items ??= open()[Symbol.asyncIterator]();
        step = await items.next();
      } catch (error) {
        ended = true;
        onError(error);
        return undefined;
      }
      if (step.done === true) {
        ended = true;
        return undefined;
      }
      yield step.value;
    }
  } finally {
    if (!ended) await items?.return?.();
  }
}
