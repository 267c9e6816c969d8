import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventId } from './event.ts';
import { timeRange } from './limits.ts';
import { uuidBytes, uuidText, uuidV7 } from './uuid.ts';

const anyTime = fc.integer({ min: timeRange.minMs, max: timeRange.maxMs });
const anyRandom = fc.uint8Array({ minLength: 10, maxLength: 10 });

describe('uuidBytes and uuidText', () => {
  it('undo each other', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(3), (bytes, offset) => {
        const padded = new Uint8Array([...new Uint8Array(offset), ...bytes]);
        expect(uuidBytes(uuidText(padded, offset))).toEqual(bytes);
        expect(uuidBytes(uuidText(padded, offset).toUpperCase())).toEqual(bytes);
      }),
    );
  });
});

describe('uuidV7', () => {
  it('gives the example of RFC 9562 appendix A.6', () => {
    const random = new Uint8Array([0xcc, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
    expect(uuidV7(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });

  it('is a valid event id of version 7 that holds the time', () => {
    fc.assert(
      fc.property(anyTime, anyRandom, (timeMs, random) => {
        const id = uuidV7(timeMs, random);
        expect(eventId.safeParse(id).success).toBe(true);
        expect(id[14]).toBe('7');
        expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(timeMs);
      }),
    );
  });

  it('sorts by time, as text', () => {
    fc.assert(
      fc.property(anyTime, anyTime, anyRandom, anyRandom, (a, b, one, other) => {
        fc.pre(a !== b);
        expect(uuidV7(a, one) < uuidV7(b, other)).toBe(a < b);
      }),
    );
  });

  it('leaves the random bytes as they are', () => {
    const random = new Uint8Array(10).fill(0xff);
    uuidV7(0, random);
    expect(random).toEqual(new Uint8Array(10).fill(0xff));
  });
});
