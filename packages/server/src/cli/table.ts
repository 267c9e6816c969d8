import { printable } from './printable.ts';
import { cutText, padText, textWidth } from './text-width.ts';

export interface Column {
  readonly heading: string;
  /** Never cut: people copy it, or decide by it. */
  readonly isWhole?: true;
}

/** A column in its place: which one it is, and how wide. */
interface Place {
  readonly column: number;
  readonly width: number;
}

/** How rows are laid out: in one line each, or folded into several. */
export type Layout = readonly (readonly Place[])[];

const gap = 2;
/** Further lines of a row are set in from the first. */
const indent = 2;
/** Less of a cell says too little: rather than cutting further, rows are folded. */
const minCutWidth = 12;

/**
 * Rows under a heading, each in one line where that is possible. Where there is no room, the longest cells are cut, and
 * an ellipsis shows it; where that would leave too little of them, or something whole has no room, each row takes
 * several lines.
 *
 * @param room columns of the terminal; infinite where there is none, and then nothing is cut
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  room: number,
): string {
  const cells = [columns.map(({ heading }) => heading), ...rows.map((row) => row.map(printable))];
  const natural = columns.map((_, i) => cells.reduce((most, row) => Math.max(most, textWidth(row[i]!)), 0));
  const layout = layOut(columns, natural, room);
  return cells.map((row) => layRow(columns, row, layout)).join('');
}

/** One row, laid out. What is whole may be wider than its place. */
export function layRow(columns: readonly Column[], cells: readonly string[], layout: Layout): string {
  return layout
    .map((line, n) => {
      const texts = line.map(({ column, width }) => {
        const cell = printable(cells[column]!);
        return padText(columns[column]!.isWhole ? cell : cutText(cell, width), width);
      });
      return `${' '.repeat(n === 0 ? 0 : indent)}${texts.join(' '.repeat(gap))}`.trimEnd();
    })
    .map((line) => `${line}\n`)
    .join('');
}

/**
 * Lays columns of natural widths out: in as few lines as leave enough of every cell, and of these layouts in the one
 * that cuts least. There are few columns, so all layouts are looked at.
 */
export function layOut(columns: readonly Column[], natural: readonly number[], room: number): Layout {
  let best: { readonly layout: Layout; readonly lost: number } | undefined;
  // A bit says whether a line ends between two columns. Of equals the one whose first lines are longest comes first.
  for (let ends = 2 ** (columns.length - 1) - 1; ends >= 0; ends--) {
    const lines = linesOf(columns.length, ends);
    if (best && lines.length > best.layout.length) continue;
    const layout = lines.map((line, n) => share(columns, natural, line, n === 0 ? room : room - indent));
    const isEnough = layout.every(
      (line, n) =>
        line.length === 1 ||
        (widthOf(line) <= (n === 0 ? room : room - indent) &&
          line.every(({ column, width }) => width >= Math.min(natural[column]!, minCutWidth))),
    );
    if (!isEnough) continue;
    const lost = layout.flat().reduce((sum, { column, width }) => sum + natural[column]! - width, 0);
    if (!best || lines.length < best.layout.length || lost < best.lost) best = { layout, lost };
  }
  return best!.layout;
}

function linesOf(count: number, ends: number): number[][] {
  const lines: number[][] = [[0]];
  for (let i = 1; i < count; i++) {
    if ((ends >> (i - 1)) & 1) lines.push([i]);
    else lines.at(-1)!.push(i);
  }
  return lines;
}

const widthOf = (line: readonly Place[]): number =>
  line.reduce((sum, { width }) => sum + width, gap * (line.length - 1));

/** Shares the room of a line fairly: no cell is cut as long as another that is cut has more. */
function share(
  columns: readonly Column[],
  natural: readonly number[],
  line: readonly number[],
  room: number,
): Place[] {
  const whole = line.filter((i) => columns[i]!.isWhole);
  const cuttable = line.filter((i) => !columns[i]!.isWhole).sort((a, b) => natural[a]! - natural[b]!);
  const widths = new Map(whole.map((i) => [i, natural[i]!]));
  let left = room - gap * (line.length - 1) - whole.reduce((sum, i) => sum + natural[i]!, 0);
  for (const [n, i] of cuttable.entries()) {
    const width = Math.max(0, Math.min(natural[i]!, Math.floor(left / (cuttable.length - n))));
    widths.set(i, width);
    left -= width;
  }
  return line.map((column) => ({ column, width: widths.get(column)! }));
}
