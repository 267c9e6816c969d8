const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** Random bytes as text of 5 bits a character. */
export const randomText = (random: Uint8Array): string =>
  Array.from(random, (byte) => alphabet[byte % alphabet.length]).join('');
