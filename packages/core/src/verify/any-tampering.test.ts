import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryTrail } from '../testing/memory-trail.ts';
import { verify } from '../testing/verdicts.ts';
import { verdictCodes } from './verdict.ts';

describe('any tampering', () => {
  const base = new MemoryTrail(530, [1, 100, 300, 512, 530]);
  const at = fc.nat(529);
  const tampering = fc.oneof(
    fc.record({ kind: fc.constant('bit' as const), at, bit: fc.nat(7) }),
    fc.record({ kind: fc.constantFrom('remove' as const, 'double' as const, 'cut' as const), at }),
    fc.record({ kind: fc.constant('swap' as const), at, other: at }),
    fc.record({
      kind: fc.constant('tile' as const),
      tile: fc.constantFrom('0/0', '0/1', '0/2', '1/0'),
      at: fc.nat(),
    }),
    fc.record({ kind: fc.constant('note' as const), which: fc.nat(4), at: fc.nat() }),
  );

  type Tampering = typeof tampering extends fc.Arbitrary<infer T> ? T : never;

  function tamper(trail: MemoryTrail, change: Tampering): void {
    const { entries } = trail;
    // Others may have removed entries before.
    const i = change.at % Math.max(1, entries.length);
    const entry = entries[i] ?? new Uint8Array(1);
    switch (change.kind) {
      case 'bit':
        entries[i] = flipBit(entry, 8 * change.at + change.bit);
        return;
      case 'remove':
        entries.splice(i, 1);
        return;
      case 'double':
        entries.splice(i, 0, entry);
        return;
      case 'cut':
        entries.length = i;
        return;
      case 'swap': {
        const j = change.other % Math.max(1, entries.length);
        entries[i] = entries[j] ?? entry;
        entries[j] = entry;
        return;
      }
      case 'tile':
        trail.tiles.set(change.tile, flipBit(trail.tiles.get(change.tile)!, change.at));
        return;
      case 'note': {
        const { size, note } = trail.checkpoints[change.which]!;
        const c = change.at % note.length;
        const changed = note.slice(0, c) + (note[c] === 'A' ? 'B' : 'A') + note.slice(c + 1);
        trail.checkpoints[change.which] = { size, note: changed };
      }
    }
  }

  function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
    const flipped = bytes.slice();
    flipped[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7);
    return flipped;
  }

  it('is found, whatever it is, also when all hashes are written anew', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(tampering, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (changes, rebuild) => {
          const trail = new MemoryTrail(0, []);
          trail.entries = [...base.entries];
          trail.tiles = new Map(base.tiles);
          trail.checkpoints = [...base.checkpoints];
          trail.published = base.published;
          for (const change of changes) tamper(trail, change);
          if (rebuild) trail.rebuildTiles();
          const same =
            trail.entries.length === base.entries.length &&
            trail.entries.every((entry, i) => Buffer.compare(entry, base.entries[i]!) === 0) &&
            trail.checkpoints.every(({ note }, i) => note === base.checkpoints[i]!.note) &&
            [...trail.tiles].every(([key, bytes]) => Buffer.compare(bytes, base.tiles.get(key)!) === 0);
          const verdict = await verify(trail, { inspectEntry: () => ({ trail: 'main', receivedAt: '' }) });
          expect(verdict.ok).toBe(same);
          // Every entry is in one range, and no entry that differs is called intact.
          let next = 0;
          for (const { first, last, code } of verdict.ranges) {
            expect(first).toBe(next);
            next = last + 1;
            expect(verdictCodes).toContain(code);
            if (code === 'intact')
              for (let i = first; i <= last; i++) expect(trail.entries[i]).toEqual(base.entries[i]);
          }
          expect(next).toBeGreaterThanOrEqual(trail.entries.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});
