// RFC 4648 section 4, strictly: padded, standard alphabet, no whitespace, unused bits zero. Every byte string has one
// spelling, so nobody can make a second valid form of a signed text. Neither atob nor Buffer is that strict.

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const codes = /* @__PURE__ */ Uint8Array.from(alphabet, (char) => char.charCodeAt(0));
const PADDING = 0x3d;

/** Bytes as padded standard base64. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += pieceBytes)
    text += encodePiece(bytes.subarray(start, start + pieceBytes));
  return text;
}

/** A multiple of three, and few enough characters to be the arguments of one call. */
const pieceBytes = 3072;

/** One call makes a flat string; joining characters would make a tree of strings, to be flattened by whoever reads it. */
function encodePiece(bytes: Uint8Array): string {
  const text = new Array<number>(Math.ceil(bytes.length / 3) * 4);
  let at = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = (bytes[i]! << 16) | ((left > 1 ? bytes[i + 1]! : 0) << 8) | (left > 2 ? bytes[i + 2]! : 0);
    text[at++] = codes[group >>> 18]!;
    text[at++] = codes[(group >>> 12) & 63]!;
    text[at++] = left > 1 ? codes[(group >>> 6) & 63]! : PADDING;
    text[at++] = left > 2 ? codes[group & 63]! : PADDING;
  }
  return String.fromCharCode.apply(null, text);
}

/** The bytes that {@link encodeBase64} wrote as this text; undefined for any other text. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !pattern.test(text)) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let at = 0;
  let bits = 0;
  let held = 0;
  for (let i = 0; i < text.length - padding; i++) {
    bits = ((bits << 6) | sextet(text.charCodeAt(i))) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[at++] = bits >>> held;
    }
  }
  // What is held now did not fit a byte; another value than zero would be a second spelling of the same bytes.
  return (bits & ((1 << held) - 1)) === 0 ? bytes : undefined;
}

/** Value of a character that the pattern admitted. */
function sextet(code: number): number {
  if (code >= 0x61) return code - 0x61 + 26;
  if (code >= 0x41) return code - 0x41;
  if (code >= 0x30) return code - 0x30 + 52;
  return code === 0x2b ? 62 : 63;
}
