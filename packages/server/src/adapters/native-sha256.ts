import { hash } from 'node:crypto';

/** SHA-256 by OpenSSL: three times as fast as the portable one that core uses by default. */
export const nativeSha256 = (data: Uint8Array): Uint8Array => hash('sha256', data, 'buffer');
