import { createHash } from 'node:crypto';
import { uuidText } from '@sealtrail/core';

/** A UUID version 8 (RFC 9562 section 5.8) out of a name: what is reported twice under it is stored once. */
export function deterministicId(name: string): string {
  const bytes = createHash('sha256').update(`sealtrail/event-id/v1\0${name}`).digest().subarray(0, 16);
  bytes[6] = 0x80 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  return uuidText(bytes);
}
