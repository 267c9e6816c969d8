import { randomFillSync } from 'node:crypto';

const poolBytes = 16_384;

/**
 * Random bytes out of a pool: a call of the system for each event's id costs more than parsing the event. No byte is
 * handed out twice.
 */
export function createRandomPool(): (bytes: number) => Uint8Array {
  let pool = new Uint8Array(0);
  let used = 0;
  return (bytes) => {
    if (used + bytes > pool.length) {
      pool = randomFillSync(new Uint8Array(Math.max(poolBytes, bytes)));
      used = 0;
    }
    used += bytes;
    return pool.subarray(used - bytes, used);
  };
}
