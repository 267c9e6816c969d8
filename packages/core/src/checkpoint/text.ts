const encoder = new TextEncoder();

/** The UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

// Control characters are refused except line feed; a lone surrogate has no UTF-8 form, and TextEncoder would replace it.
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose
const control = /[\u0000-\u0009\u000b-\u001f]/;

/** Whether a text may be part of a signed note: well-formed Unicode without control characters but line feed. */
export function isNoteText(text: string): boolean {
  return text.isWellFormed() && !control.test(text);
}

/**
 * An ASCII decimal without sign or leading zeros as a number up to 2^53-1; undefined for any other text. The formats
 * allow 64 bits; no trail here reaches 2^53 entries, and no clock 2^53 seconds.
 */
export function parseDecimal(text: string): number | undefined {
  if (!/^(?:0|[1-9]\d{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Lower-case hexadecimal of some bytes. */
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
