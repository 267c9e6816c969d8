/** What breaks lines, moves a cursor or turns the direction of writing: nothing of it belongs into one line of text. */
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;

/** A text as one line of well-formed Unicode, without control characters; each run of them is a space. */
export const singleLine = (text: string): string => text.toWellFormed().replace(unprintable, ' ');

/** A text of at most so many UTF-16 code units; what is cut ends with `…`. No character is cut in two. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const head = text.slice(0, maxLength - 1);
  // Half of a surrogate pair at the end is no character.
  return `${head.isWellFormed() ? head : head.slice(0, -1)}…`;
}

/** Those of some texts that fit into so many bytes of UTF-8 together; what does not is left out. */
export function fitting(texts: readonly string[], maxBytes: number): readonly string[] {
  let left = maxBytes;
  return texts.filter((text) => {
    const bytes = Buffer.byteLength(text);
    if (bytes > left) return false;
    left -= bytes;
    return true;
  });
}

/** A text for HTML, inside of elements and of attributes in double quotes. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
