/** Where a command writes. Tests give their own. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** True when people look at standard error, so that progress makes sense. */
  readonly isInteractive: boolean;
  /** Width of standard output. */
  readonly columns: number;
  /** Width of standard error, where progress is drawn. */
  readonly progressColumns: number;
}

export const processTerminal = (): Terminal => ({
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isInteractive: process.stderr.isTTY === true,
  columns: process.stdout.columns ?? 120,
  // A window that is made narrower meanwhile must not make lines of progress wrap.
  get progressColumns() {
    return process.stderr.columns ?? 80;
  },
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

/** Text broken at spaces into lines of at most `width` characters; a word that is longer has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(' ')) {
    if (line !== '' && [...line].length + 1 + [...word].length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
