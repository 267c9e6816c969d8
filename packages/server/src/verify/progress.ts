/** Counts entries over trails that are verified one after the other. What it expects is claimed, and for a bar alone. */
export class VerifyProgress {
  readonly #report: (done: number, total: number) => void;
  #before = 0;
  #expected = 0;

  constructor(report: (done: number, total: number) => void) {
    this.#report = report;
  }

  /** Adds entries that are still to come. */
  expect(entries: number): void {
    this.#expected += entries;
  }

  /** @param entries read of the trail at hand */
  at(entries: number): void {
    this.#report(this.#before + entries, this.#expected);
  }

  /** The trail at hand is done; what it claimed to have counts, so that done and expected meet in the end. */
  endTrail(claimed: number): void {
    this.#before += claimed;
  }
}
