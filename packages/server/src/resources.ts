/**
 * What is opened step by step and closed as a whole, the last one first; what fails to close does not keep the others
 * open. The part of `DisposableStack` that is needed here: Node has that from version 24 on.
 */
export class Resources implements Disposable {
  #closers: (() => void)[] = [];

  use<T extends Disposable>(resource: T): T {
    this.#closers.push(() => resource[Symbol.dispose]());
    return resource;
  }

  defer(close: () => void): void {
    this.#closers.push(close);
  }

  /** Hands everything over: this no longer closes anything. */
  move(): Resources {
    const moved = new Resources();
    moved.#closers = this.#closers;
    this.#closers = [];
    return moved;
  }

  /** @throws the error of what failed to close; all of them in an AggregateError when there are several */
  [Symbol.dispose](): void {
    const errors: unknown[] = [];
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      try {
        close();
      } catch (error) {
        errors.push(error);
      }
    }
    throwAll(errors);
  }
}

/** As {@link Resources}, for what takes time to close. */
export class AsyncResources implements AsyncDisposable {
  #closers: (() => unknown)[] = [];

  use<T extends AsyncDisposable | Disposable>(resource: T): T {
    this.#closers.push(() =>
      Symbol.asyncDispose in resource ? resource[Symbol.asyncDispose]() : resource[Symbol.dispose](),
    );
    return resource;
  }

  defer(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  /** Hands everything over: this no longer closes anything. */
  move(): AsyncResources {
    const moved = new AsyncResources();
    moved.#closers = this.#closers;
    this.#closers = [];
    return moved;
  }

  /** Rejects with the error of what failed to close; with an AggregateError when there are several. */
  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = [];
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    throwAll(errors);
  }
}

function throwAll(errors: readonly unknown[]): void {
  if (errors.length > 1) throw new AggregateError(errors, 'several resources failed to close');
  if (errors.length === 1) throw errors[0];
}
