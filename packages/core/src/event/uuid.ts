/** Values of hexadecimal digits by their character codes; 255 for other characters. */
const digitOf = /* @__PURE__ */ (() => {
  const digits = new Uint8Array(256).fill(255);
  for (let digit = 0; digit < 16; digit++) {
    digits[digit.toString(16).charCodeAt(0)] = digit;
    digits[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
  }
  return digits;
})();

/** Bytes of a canonical UUID text (any case); the caller has validated its form. */
export function uuidBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  let at = 0;
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) at++;
    bytes[i] = (digitOf[text.charCodeAt(at)]! << 4) | digitOf[text.charCodeAt(at + 1)]!;
    at += 2;
  }
  return bytes;
}

const digits = '0123456789abcdef';
const DASH = 0x2d;

/** Lower-case text of 16 bytes at an offset. One call makes a flat string, and not a tree of joined ones. */
export function uuidText(bytes: Uint8Array, offset = 0): string {
  const text = new Array<number>(36);
  let at = 0;
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text[at++] = DASH;
    const byte = bytes[offset + i]!;
    text[at++] = digits.charCodeAt(byte >>> 4);
    text[at++] = digits.charCodeAt(byte & 15);
  }
  return String.fromCharCode.apply(null, text);
}

/**
 * A UUID version 7 (RFC 9562 section 5.7) from a time and 10 random bytes, of which 74 bits are used.
 *
 * @param timeMs milliseconds since 1970
 * @param random at least 10 bytes from a cryptographic source
 */
export function uuidV7(timeMs: number, random: Uint8Array): string {
  const bytes = new Uint8Array(16);
  const high = Math.floor(timeMs / 0x1_0000_0000);
  const low = timeMs >>> 0;
  bytes[0] = high >>> 8;
  bytes[1] = high;
  bytes[2] = low >>> 24;
  bytes[3] = low >>> 16;
  bytes[4] = low >>> 8;
  bytes[5] = low;
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  return uuidText(bytes);
}
