/** Lets one loop wait for the next sign of growth; a sign that came meanwhile counts. */
export class Growth {
  #isPending = false;
  #wake: (() => void) | undefined;

  signal(): void {
    this.#isPending = true;
    this.#wake?.();
  }

  /** True when there was a sign, false when the time ran out. */
  async wait(timeoutMs: number): Promise<boolean> {
    if (!this.#isPending) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    const had = this.#isPending;
    this.#isPending = false;
    return had;
  }
}
