import { isAscii } from '../is-ascii.ts';

/**
 * Text for comparison without regard to case: Unicode's simple case folding, character by character, so that the length
 * stays and no locale has a say.
 */
export function foldCase(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  let folded = '';
  for (const char of text) folded += foldCharacter(char);
  return folded;
}

function foldCharacter(char: string): string {
  // The one letter whose capital is another's too.
  if (char === 'ı') return char;
  const upper = char.toUpperCase();
  const lower = (upper.length === char.length ? upper : char).toLowerCase();
  return lower.length === char.length ? lower : char;
}
