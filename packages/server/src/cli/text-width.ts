/**
 * What takes two columns: East Asian Width W and F (Unicode Standard Annex 11, Unicode 16) in whole blocks, and emoji.
 * JavaScript knows emoji, but not the width, so the blocks are listed. Terminals differ in what is newer or rare; all
 * that follows from a difference is a column out of line.
 */
const wide =
  /^[\u1100-\u115f\u2329\u232a\u2630-\u2637\u268a-\u268f\u2e80-\u303e\u3041-\u33ff\u3400-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]$/v;
/** What stands on or under the character before it: marks, and vowels and finals of decomposed Hangul. */
const narrowest = /^[\p{Mn}\p{Me}\u1160-\u11ff\ud7b0-\ud7ff]$/v;
/** Emoji of several characters are seen as one. */
const units = /\p{RGI_Emoji}|./gsv;
const isPlain = /^[ -~]*$/;

function unitWidth(unit: string): number {
  if (narrowest.test(unit)) return 0;
  const isSequence = unit.length > String.fromCodePoint(unit.codePointAt(0)!).length;
  return isSequence || wide.test(unit) ? 2 : 1;
}

/** Columns that text takes in a terminal; it must be printable. */
export function textWidth(text: string): number {
  if (isPlain.test(text)) return text.length;
  return (text.match(units) ?? []).reduce((sum, unit) => sum + unitWidth(unit), 0);
}

/** Text in at most so many columns: one that is longer ends in an ellipsis. */
export function cutText(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const unit of text.match(units) ?? []) {
    width += unitWidth(unit);
    if (width > columns - 1) break;
    kept += unit;
  }
  return `${kept}…`;
}

/** Text with spaces behind it, up to so many columns. */
export const padText = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - textWidth(text)));

/** Text broken at spaces into lines of at most so many columns; a word that is longer has a line of its own. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && textWidth(line) + 1 + textWidth(word) > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
