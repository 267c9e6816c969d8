import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { zstdFrameLength } from './zstd-frame.ts';

const skippable = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.from('hide!')]);

describe('zstdFrameLength', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['little', Buffer.from('a')],
    ['repetition', Buffer.alloc(300_000, 'ab')],
    ['noise', randomBytes(300_000)],
    ['64 KiB', randomBytes(65_536)],
  ])('is the length of a frame of %s, whatever stands behind it', (_, content) => {
    for (const checksum of [0, 1]) {
      const frame = zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: checksum } });
      for (const more of [Buffer.alloc(0), frame, skippable, randomBytes(100)])
        expect(zstdFrameLength(Buffer.concat([frame, more]))).toBe(frame.length);
      for (const cut of [1, 4, frame.length - 1])
        expect(zstdFrameLength(frame.subarray(0, frame.length - cut))).toBeUndefined();
    }
  });

  it('is unknown where there is no frame', () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(5), skippable, Buffer.from('not a frame at all')])
      expect(zstdFrameLength(bytes)).toBeUndefined();
  });
});
