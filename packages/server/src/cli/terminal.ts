/** Where a command writes. Tests give their own. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** True when people look at standard error, so that progress makes sense. */
  readonly isInteractive: boolean;
  readonly columns: number;
}

export const processTerminal = (): Terminal => ({
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isInteractive: process.stderr.isTTY === true,
  columns: process.stdout.columns ?? 120,
});

/**
 * Text of others made safe for a terminal: control characters, of which escape sequences are made, and characters that
 * turn the direction of text become visible marks.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is being removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd');
}

/** Rows under a heading, in columns as wide as needed; the last one is cut at the terminal's edge. */
export function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
): string {
  const safe = [heading, ...rows.map((row) => row.map(printable))];
  const widths = heading.map((_, i) => Math.max(...safe.map((row) => [...(row[i] ?? '')].length)));
  return safe
    .map((row) => {
      const line = row
        .map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat(widths[i]! - [...cell].length)))
        .join('  ');
      return `${[...line].slice(0, columns).join('').trimEnd()}\n`;
    })
    .join('');
}

const barWidth = 24;
const redrawMs = 100;

/** A progress bar with rate and time left, on standard error of a terminal; elsewhere silent. */
export class ProgressBar implements Disposable {
  readonly #terminal: Terminal;
  readonly #label: string;
  readonly #startMs: number = performance.now();
  #drawnMs = 0;
  #isShown = false;

  constructor(terminal: Terminal, label: string) {
    this.#terminal = terminal;
    this.#label = label;
  }

  /** @param total undefined when it is not known */
  show(done: number, total: number | undefined): void {
    const now = performance.now();
    if (!this.#terminal.isInteractive || now - this.#drawnMs < redrawMs) return;
    this.#drawnMs = now;
    this.#isShown = true;
    const rate = done / Math.max(0.001, (now - this.#startMs) / 1000);
    const counts = `${done.toLocaleString('en')} entries, ${Math.round(rate).toLocaleString('en')}/s`;
    if (total === undefined || total === 0) {
      this.#terminal.err(`\r${this.#label} ${counts}\u001b[K`);
      return;
    }
    const filled = Math.min(barWidth, Math.round((barWidth * done) / total));
    const left = Math.ceil(Math.max(0, total - done) / Math.max(1, rate));
    this.#terminal.err(
      `\r${this.#label} [${'█'.repeat(filled)}${'·'.repeat(barWidth - filled)}] ${counts}, ${left} s left\u001b[K`,
    );
  }

  [Symbol.dispose](): void {
    if (this.#isShown) this.#terminal.err('\r\u001b[K');
  }
}
