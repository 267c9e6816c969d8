import { encodeBase64 } from '../checkpoint/base64.ts';

/**
 * The texts that the base64 form of bytes may hold, wherever these lie in what was encoded: for each of the three shifts
 * the characters that depend on these bytes alone. Source: Sigma specification, modifier `base64offset`.
 */
export function base64Offsets(bytes: Uint8Array): readonly string[] {
  const dependsOnBefore = [0, 2, 3];
  const dependsOnAfter = [0, 3, 2];
  return [0, 1, 2].map((shift) => {
    const shifted = new Uint8Array(shift + bytes.length).fill(0x20, 0, shift);
    shifted.set(bytes, shift);
    const text = encodeBase64(shifted);
    return text.slice(dependsOnBefore[shift], text.length - dependsOnAfter[shifted.length % 3]!);
  });
}
