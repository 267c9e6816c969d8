import type { Terminal } from './terminal.ts';
import { durationText } from './time-text.ts';

const maxBarWidth = 24;
const minBarWidth = 4;
const redrawMs = 100;

/** A progress bar with percent, rate and time left, on standard error of a terminal; elsewhere silent. */
export class ProgressBar implements Disposable {
  readonly #terminal: Terminal;
  readonly #label: string;
  readonly #now: () => number;
  #start: { readonly ms: number; readonly done: number } | undefined;
  #drawnMs = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds of a clock that never steps */
  constructor(terminal: Terminal, label: string, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#label = label;
    this.#now = now;
  }

  /**
   * Draws, unless it did so just now.
   *
   * @param total undefined when it is not known; then there is neither bar nor time left
   */
  show(done: number, total: number | undefined): void {
    const ms = this.#now();
    // Time before the first entry is no measure of how fast entries are.
    this.#start ??= { ms, done };
    if (!this.#terminal.isInteractive || ms - this.#drawnMs < redrawMs) return;
    this.#drawnMs = ms;
    const seconds = (ms - this.#start.ms) / 1000;
    const rate = seconds === 0 ? undefined : (done - this.#start.done) / seconds;
    this.#terminal.draw(`\r${this.#line(done, total, rate)}\u001b[K`);
  }

  [Symbol.dispose](): void {
    if (Number.isFinite(this.#drawnMs)) this.#terminal.draw('\r\u001b[K');
  }

  #line(done: number, total: number | undefined, rate: number | undefined): string {
    // A line as wide as the terminal would wrap, and could not be drawn over any more.
    const columns = this.#terminal.progressColumns - 1;
    const isKnown = total !== undefined && total > 0;
    const part = isKnown ? Math.min(1, done / total) : 0;
    const percent = isKnown ? [`${String(Math.floor(100 * part)).padStart(3)} %`] : [];
    const count = `${countOf(done)}${isKnown ? ` of ${countOf(Math.max(done, total))}` : ''} entries`;
    const speed = [
      ...(rate === undefined ? [] : [`${countOf(Math.round(rate))}/s`]),
      ...(isKnown && rate ? [`${durationText(Math.max(0, total - done) / rate)} left`] : []),
    ];
    const full = [...percent, count, ...speed].join('  ');
    const isNarrow = isKnown && this.#label.length + 1 + full.length > columns;
    const words = isNarrow ? [...percent, ...speed].join('  ') : full;
    const room = Math.min(maxBarWidth, columns - this.#label.length - words.length - 4);
    const bar = isKnown && room >= minBarWidth ? `[${barOf(part, room)}] ` : '';
    return `${this.#label} ${bar}${words}`.slice(0, columns);
  }
}

const countOf = (count: number): string => count.toLocaleString('en');

function barOf(part: number, width: number): string {
  const filled = Math.floor(part * width);
  return '█'.repeat(filled) + '·'.repeat(width - filled);
}
