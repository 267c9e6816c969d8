import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ZstdFrames } from './zstd-frames.ts';

const skippable = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.from('hide!')]);

/** What is seen of data that comes in pieces of a size: whether its frames are complete, and how many there are. */
function seen(data: Uint8Array, pieceBytes = data.length): readonly [complete: boolean, count: number] {
  const frames = new ZstdFrames();
  for (let at = 0; at < data.length; at += pieceBytes) frames.see(data.subarray(at, at + pieceBytes));
  return [frames.areComplete, frames.count];
}

describe('ZstdFrames', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['little', Buffer.from('a')],
    ['repetition', Buffer.alloc(300_000, 'ab')],
    ['noise', randomBytes(300_000)],
    ['64 KiB', randomBytes(65_536)],
  ])('sees where frames of %s end, in whatever pieces they come', (_, content) => {
    for (const checksum of [0, 1]) {
      const frame = zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: checksum } });
      for (const pieceBytes of [1, 7, 65_536]) {
        expect(seen(frame, pieceBytes)).toEqual([true, 1]);
        expect(seen(Buffer.concat([frame, skippable, frame]), pieceBytes)).toEqual([true, 3]);
      }
      for (const cut of [1, 4, frame.length - 1])
        expect(seen(frame.subarray(0, frame.length - cut))[0]).toBe(false);
      for (const more of [Buffer.from([0x28]), Buffer.from([0x28, 0xb5, 0x2f]), Buffer.from('garbage')])
        expect(seen(Buffer.concat([frame, more]))[0]).toBe(false);
    }
  });

  it('sees none where there is none', () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(5), Buffer.from('not a frame at all')])
      expect(seen(bytes)[0]).toBe(false);
  });
});
