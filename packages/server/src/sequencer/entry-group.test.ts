import { entryText, eventLimits, type JsonValue, parseEvent } from '@sealtrail/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { EntryGroup } from './entry-group.ts';

const id = '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f';
const receivedAt = '2026-01-31T09:30:00.001Z';

describe('EntryGroup', () => {
  it('frames entries one after the other, each with the place of its receive time', () => {
    const anyText = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(fc.array(fc.tuple(anyText, anyText), { minLength: 1, maxLength: 5 }), (texts) => {
        const group = new EntryGroup(true);
        const entries = texts.map(([reason, name]) => {
          const event = parseEvent(
            Buffer.from(JSON.stringify({ action: 'a', reason, targets: [{ type: 't', name }] })),
          );
          const entry = entryText(event, { id, nowMs: 0, trail: 'main' });
          group.add('main', id, entry, true);
          return JSON.parse(entry.text) as JsonValue;
        });
        const bytes = Buffer.from(group.bytes);
        for (const slot of group.slots) bytes.write(receivedAt, slot);
        entries.forEach((entry, i) => {
          const start = group.starts[i]!;
          const framed = bytes.subarray(start, start + bytes.readUInt16BE(start - 2));
          expect(JSON.parse(framed.toString())).toEqual({ ...(entry as object), receivedAt });
        });
      }),
    );
  });

  it.each(['a', 'é', '東'])(
    'takes an entry of as many bytes as there may be, and none of more (%s)',
    (letter) => {
      const group = new EntryGroup(true);
      const textOf = (bytes: number): string => {
        const letters = letter.repeat(Math.floor(bytes / Buffer.byteLength(letter)));
        return letters + ' '.repeat(bytes - Buffer.byteLength(letters));
      };
      const add = (bytes: number): void =>
        group.add('main', id, { text: textOf(bytes), receivedAt: 0 }, true);
      add(eventLimits.entryBytes);
      const { count, byteLength } = group;
      expect([count, byteLength]).toEqual([1, 2 + eventLimits.entryBytes]);
      expect(codeOf(() => add(eventLimits.entryBytes + 1))).toBe('entry_too_large');
      // The group is as it was.
      expect([group.count, group.byteLength]).toEqual([count, byteLength]);
      add(1);
      expect([group.count, group.byteLength]).toEqual([2, byteLength + 3]);
    },
  );
});
