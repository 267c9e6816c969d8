import type { Event } from '@sealtrail/core';
import { builtInSource } from '@sealtrail/core/sources';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownerScope } from '../access/scopes.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import type { IngestScope } from '../ingest/ingest-scope.ts';
import { Intake } from '../ingest/intake.ts';
import { type StartedLog, startLog } from '../sequencer/testing/start-log.ts';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { codeOfPromise } from '../testing/code-of.ts';
import { importInput } from './import-input.ts';
import { LineOrdinals } from './line-ordinals.ts';
import { RecordReader } from './record-inputs.ts';
import type { ImportCounts, ImportParts } from './source-import.ts';

const folder = temporaryFolder();
let started: StartedLog;
let reader: SqliteLogReader;
let trails = 0;
beforeAll(async () => {
  started = startLog(folder);
  await started.log.ready;
  reader = new SqliteLogReader(folder.log);
});
afterAll(async () => {
  reader[Symbol.dispose]();
  await started[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
const intakeWith = (keys?: readonly string[]): Intake =>
  new Intake(started.log, { now: Date.now, random, ...(keys && { redaction: { keys } }) });
/** A place in a trail of its own. */
const partsFor = (name: string, further: Partial<ImportParts> = {}): ImportParts => ({
  source: builtInSource(name)!,
  intake: intakeWith(),
  reader,
  scope: ownerScope,
  trail: `trail-${trails++}`,
  tenant: undefined,
  ...further,
});

interface Total {
  accepted: number;
  duplicates: number;
  skipped: number;
  readonly dead: ImportCounts['dead'][number][];
}

async function load(
  parts: ImportParts,
  text: string,
  form: 'plain' | 'wrapped' = 'plain',
  latestMs = Date.UTC(2026, 5, 30),
): Promise<Total> {
  const total: Total = { accepted: 0, duplicates: 0, skipped: 0, dead: [] };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text);
  }
  await importInput(parts, {
    chunks: chunks(),
    form,
    clock: { latestMs, offsetMinutes: 0 },
    maxBytes: Number.POSITIVE_INFINITY,
    hold: () => {},
    onCounts: (counts) => {
      total.accepted += counts.accepted;
      total.duplicates += counts.duplicates;
      total.skipped += counts.skipped;
      total.dead.push(...counts.dead);
    },
  });
  return total;
}
const summary = ({ accepted, duplicates, skipped, dead }: Total): readonly number[] => [
  accepted,
  duplicates,
  skipped,
  dead.length,
];
const entries = (trail: string): Event[] =>
  reader
    .entries(trail, 0, reader.size(trail))
    .map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as Event);

const okta = (further: object = {}): string =>
  JSON.stringify({
    uuid: 'u-1',
    eventType: 'user.session.start',
    published: '2026-03-01T08:00:00Z',
    ...further,
  });
const line = 'Feb 12 14:10:21 h sshd[1]: Server listening on 0.0.0.0 port 22.';

describe('an import', () => {
  it('stores each record once, however often it comes', async () => {
    const parts = partsFor('okta');
    const text = `${okta()}\n${okta()}\n${okta({ uuid: 'u-2' })}\n`;
    expect(summary(await load(parts, text))).toEqual([2, 1, 0, 0]);
    expect(summary(await load(parts, text))).toEqual([0, 3, 0, 0]);
    expect(entries(parts.trail).map(({ metadata }) => metadata?.['original'])).toEqual([
      JSON.parse(okta()),
      JSON.parse(okta({ uuid: 'u-2' })),
    ]);
  });

  it('keeps lines apart that are alike, and knows them again', async () => {
    const parts = partsFor('syslog');
    const text = `${line}\n${line}\n\n${line}\n`;
    expect(summary(await load(parts, text))).toEqual([3, 0, 0, 0]);
    expect(summary(await load(parts, text))).toEqual([0, 3, 0, 0]);
    // A log that has grown meanwhile.
    expect(summary(await load(parts, `${text}${line}\n`))).toEqual([1, 3, 0, 0]);
    const wrapped = [0, 1, 9].map((ordinal) => `${JSON.stringify({ line, ordinal })}\n`).join('');
    expect(summary(await load(parts, wrapped, 'wrapped'))).toEqual([1, 2, 0, 0]);
  });

  it('goes on behind what is broken, and says where that was', async () => {
    const parts = partsFor('syslog');
    const text = `${line}\nbroken\n\nFeb 12 14:10:21 h cron[1]: x\n${'x'.repeat(70_000)}\n${line}\n`;
    const total = await load(parts, text);
    expect(summary(total)).toEqual([2, 0, 1, 2]);
    expect(
      total.dead.map(({ position, offset, code, text: shown }) => [position, offset, code, shown.length]),
    ).toEqual([
      [2, 64, 'malformed_line', 6],
      [5, 101, 'record_too_large', 16_384],
    ]);
  });

  it('says the same of JSON, by the number of the record', async () => {
    const parts = partsFor('okta');
    const text = `[${okta()}, {"x":1}, {"a":}, 5, ${okta({ uuid: 'u-2', published: 'noon' })}, ${okta({ uuid: 'u-3' })}]`;
    const total = await load(parts, text);
    expect(summary(total)).toEqual([2, 0, 0, 4]);
    expect(total.dead.map(({ position, code }) => [position, code])).toEqual([
      [2, 'unknown_record'],
      [3, 'malformed_json'],
      [4, 'unknown_record'],
      [5, 'invalid_time'],
    ]);
  });

  it('marks what is no UTF-8 in a line', async () => {
    const parts = partsFor('syslog');
    const total = { counts: 0 };
    async function* latin1(): AsyncGenerator<Uint8Array> {
      yield Buffer.concat([
        Buffer.from('Feb 12 14:10:21 h sshd[1]: Invalid user J'),
        Buffer.from([0xf6]),
        Buffer.from('rg from 192.0.2.7 port 1'),
      ]);
    }
    await importInput(parts, {
      ...{ chunks: latin1(), form: 'plain', maxBytes: 1e9, hold: () => {} },
      clock: { latestMs: Date.UTC(2026, 5, 30), offsetMinutes: 0 },
      onCounts: ({ accepted }) => {
        total.counts += accepted;
      },
    });
    expect(total.counts).toBe(1);
    expect(entries(parts.trail)[0]?.actor?.id).toBe('J\ufffdrg');
  });

  it('knows a line again that is read against another year', async () => {
    const parts = partsFor('syslog');
    expect(summary(await load(parts, line, 'plain', Date.UTC(2025, 5, 30)))).toEqual([1, 0, 0, 0]);
    expect(summary(await load(parts, line, 'plain', Date.UTC(2026, 5, 30)))).toEqual([0, 1, 0, 0]);
    expect(entries(parts.trail)[0]).toMatchObject({ time: '2025-02-12T14:10:21.000Z' });
  });

  it('knows a record again that is redacted in another way', async () => {
    const parts = partsFor('okta');
    const text = okta({ debugContext: { debugData: { pet: 'cat', url: '/x?pet=cat&y=1' } } });
    expect(summary(await load(parts, text))).toEqual([1, 0, 0, 0]);
    const stricter = { ...parts, intake: intakeWith(['pet']) };
    expect(summary(await load(stricter, text))).toEqual([0, 1, 0, 0]);
  });

  it('stores both of two records that a source names alike', async () => {
    const parts = partsFor('okta');
    const [one, other] = [okta(), okta({ eventType: 'user.session.end' })];
    expect(summary(await load(parts, one))).toEqual([1, 0, 0, 0]);
    for (const expected of [
      [1, 1, 0, 0],
      [0, 2, 0, 0],
    ])
      expect(summary(await load(parts, `${one}\n${other}\n`))).toEqual(expected);
    expect(entries(parts.trail).map(({ action }) => action)).toEqual([
      'okta.user.session.start',
      'okta.user.session.end',
    ]);
  });

  it('loses nothing to somebody who was there first under its id', async () => {
    const place = partsFor('syslog');
    expect(summary(await load(place, line))).toEqual([1, 0, 0, 0]);
    const [stored] = entries(place.trail);
    const parts = partsFor('syslog');
    const request = parts.intake.begin(ownerScope, false);
    request.addValue({
      id: stored!.id,
      action: 'a',
      trail: parts.trail,
      metadata: { source: 'syslog', original: '[redacted:x]' },
    });
    await request.finish();
    expect(summary(await load(parts, line))).toEqual([1, 0, 0, 0]);
    expect(summary(await load(parts, line))).toEqual([0, 1, 0, 0]);
  });

  it('takes the original away from an entry that redaction makes too long', async () => {
    const parts = partsFor('okta', { intake: intakeWith(['p']) });
    const text = okta({
      debugContext: { list: Array.from({ length: 100 }, () => `/x?${'p=1&'.repeat(100)}`) },
    });
    expect(Buffer.byteLength(text)).toBeLessThan(60_000);
    expect(summary(await load(parts, text))).toEqual([1, 0, 0, 0]);
    expect(entries(parts.trail)[0]?.metadata).toMatchObject({ originalOmitted: 'too_large' });
  });

  it('keeps tenants apart', async () => {
    const parts = partsFor('okta', { tenant: 'acme' });
    expect(summary(await load(parts, okta()))).toEqual([1, 0, 0, 0]);
    expect(summary(await load({ ...parts, tenant: 'other' }, okta()))).toEqual([1, 0, 0, 0]);
    expect(entries(parts.trail).map(({ tenant }) => tenant)).toEqual(['acme', 'other']);
  });

  it('fails as a whole where there is no such trail, or none to write to', async () => {
    const scope: IngestScope = { ...ownerScope, mayCreateTrail: () => false };
    expect(await codeOfPromise(load(partsFor('okta', { scope }), okta()))).toBe('trail_not_found');
    const refusing: IngestScope = { ...ownerScope, refuseTrail: () => 'not here' };
    expect(await codeOfPromise(load(partsFor('okta', { scope: refusing }), okta()))).toBe('forbidden');
  });

  it('accounts for every record of thousands', async () => {
    const parts = partsFor('syslog');
    const lines = Array.from({ length: 5000 }, (_, i) =>
      i % 10 === 3 ? 'broken' : i % 10 === 4 ? 'Feb 12 14:10:21 h cron[1]: x' : `${line} ${i}`,
    );
    const total = await load(parts, lines.join('\n'));
    expect(summary(total)).toEqual([4000, 0, 500, 500]);
    expect(total.dead.map(({ position }) => position)).toEqual(
      Array.from({ length: 500 }, (_, i) => 10 * i + 4),
    );
    expect(reader.size(parts.trail)).toBe(4000);
  });

  it('accounts for every record of any input', async () => {
    const anyPart = fc.oneof(
      fc.constantFrom(
        line,
        okta(),
        `[${okta()},`,
        '{"Records":[',
        ']',
        '}',
        '{"line":"x"}',
        '192.0.2.7 - - [',
        '\n',
        '\n',
      ),
      fc.string({ unit: 'binary', maxLength: 6 }),
    );
    const trail = partsFor('okta').trail;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('okta', 'aws-cloudtrail', 'github-audit', 'syslog', 'access-log'),
        fc.constantFrom('plain' as const, 'wrapped' as const),
        fc.array(anyPart, { maxLength: 20 }),
        async (name, form, parts) => {
          const text = parts.join('');
          const total = await load({ ...partsFor(name), trail }, text, form);
          const [accepted, duplicates, skipped, dead] = summary(total) as [number, number, number, number];
          const clock = { latestMs: Date.UTC(2026, 5, 30), offsetMinutes: 0 };
          const records = new RecordReader(builtInSource(name)!, form, clock, new LineOrdinals());
          const expected = [...records.push(Buffer.from(text)), ...records.end()];
          expect(accepted + duplicates + skipped + dead).toBe(expected.length);
          if (builtInSource(name)!.input !== 'json')
            expect(expected.length).toBe(text.split('\n').filter((one) => /[^ \t\r]/.test(one)).length);
          const positions = new Set(expected.map(({ position }) => position));
          for (const { position } of total.dead) expect(positions).toContain(position);
        },
      ),
      { numRuns: 300 },
    );
  });
});
