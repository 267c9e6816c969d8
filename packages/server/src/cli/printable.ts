/**
 * What reaches a terminal from outside, such as names in events or the answers of a server, may be made by an attacker.
 * Unsafe there: control characters, of which escape sequences are made (C0, DEL, C1), line ends other than ours, and
 * whatever is not seen (Unicode Default_Ignorable_Code_Point), among it the marks that turn the direction of text: two
 * names that differ must not look the same.
 *
 * The first group is what of these belongs to readable text: sequences that are an emoji as a whole, and one joiner or
 * non-joiner after a letter of scripts that are written with them.
 */
const unsafe =
  /(\p{RGI_Emoji}|(?<=[\p{Script=Arabic}\p{Script=Bengali}\p{Script=Devanagari}\p{Script=Gujarati}\p{Script=Gurmukhi}\p{Script=Kannada}\p{Script=Khmer}\p{Script=Malayalam}\p{Script=Myanmar}\p{Script=Oriya}\p{Script=Sinhala}\p{Script=Syriac}\p{Script=Tamil}\p{Script=Telugu}])[\u200c\u200d])|[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gv;

const isPlain = /^[ -~]*$/;

/** Text of others in one line, made safe for a terminal: what is unsafe becomes a visible mark. */
export function printable(text: string): string {
  return isPlain.test(text) ? text : text.replace(unsafe, (_, kept?: string) => kept ?? '\ufffd');
}

/** As `printable`, for text of several lines. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');

/** A value as a line of JSON that is safe to look at: what is unsafe is escaped, which does not change the value. */
export function jsonLine(value: unknown): string {
  const json = JSON.stringify(value).replace(unsafe, (found, kept?: string) => kept ?? escaped(found));
  return `${json}\n`;
}

/** Escaped as JSON has it (RFC 8259, section 7): by UTF-16 code units. */
const escaped = (text: string): string =>
  Array.from(
    { length: text.length },
    (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');
