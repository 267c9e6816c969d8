import { printableLines } from './printable.ts';

/** Where a command writes. Tests give their own. */
export interface Terminal {
  /** Writes text on standard output. Where people look at it, unsafe characters become visible marks. */
  readonly out: (text: string) => void;
  /** Writes text on standard error, with the same care. */
  readonly err: (text: string) => void;
  /** Draws on standard error, control characters included: never with text from outside. */
  readonly draw: (text: string) => void;
  /** True when people look at standard error, so that progress makes sense. */
  readonly isInteractive: boolean;
  /** Width of standard output; infinite where it is no terminal, so that nothing is cut. */
  readonly columns: number;
  /** Width of standard error, where progress is drawn. */
  readonly progressColumns: number;
}

export function processTerminal({ stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'>): Terminal {
  // What goes to a file or another program is left as it is: proofs and policies are signed to the byte.
  const writerOf =
    (stream: NodeJS.WriteStream) =>
    (text: string): void =>
      void stream.write(stream.isTTY ? printableLines(text) : text);
  return {
    out: writerOf(stdout),
    err: writerOf(stderr),
    draw: (text) => void stderr.write(text),
    isInteractive: stderr.isTTY === true,
    // Windows are made wider and narrower meanwhile.
    get columns() {
      return stdout.columns ?? Number.POSITIVE_INFINITY;
    },
    get progressColumns() {
      return stderr.columns ?? 80;
    },
  };
}
