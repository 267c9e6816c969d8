import { describe, expect, it } from 'vitest';
import { isAbsent, records } from '../sigma/testing/corpus.ts';
import { builtInSource } from './built-in-sources.ts';

// Records that nobody here wrote. What is refused of them is named: it is none of its product, or has no time, or one that is none.

interface PantherTest {
  readonly log_types: readonly string[] | null;
  readonly event: object;
}
interface LineTest {
  readonly log_type: string;
  readonly log_lines: readonly string[];
}

const clock = { latestMs: Date.UTC(2026, 10, 28), offsetMinutes: 0 };

describe.skipIf(isAbsent)('records of third parties', () => {
  it.each([
    ['aws-cloudtrail', 'AWS.CloudTrail', { unknown_record: 3, invalid_time: 13 }],
    ['okta', 'Okta.SystemLog', { invalid_time: 7 }],
    ['github-audit', 'GitHub.Audit', { invalid_time: 25 }],
  ])('of %s become events', (name, logType, refusals) => {
    const source = builtInSource(name)!;
    const found: Record<string, number> = {};
    let events = 0;
    for (const { log_types, event } of records<PantherTest>('03-panther-labelled-events/tests.jsonl')) {
      if (log_types?.length !== 1 || log_types[0] !== logType) continue;
      try {
        for (const record of source.recordsIn(JSON.stringify(event))) {
          const mapped = source.map(record);
          if (mapped.is === 'event' && mapped.event.metadata?.['original'] !== undefined) events++;
        }
      } catch (error) {
        const { code } = error as { code: string };
        found[code] = (found[code] ?? 0) + 1;
      }
    }
    expect(found).toEqual(refusals);
    expect(events).toBeGreaterThan(30);
  });

  it.each([
    ['syslog', ['syslog'], 90],
    ['access-log', ['nginx', 'apache2'], 400],
  ])('of %s become events, or are of other programs', (name, logTypes, least) => {
    const source = builtInSource(name)!;
    const lines = records<LineTest>('05-crowdsec-stateful/tests.jsonl')
      .filter(({ log_type }) => logTypes.includes(log_type))
      .flatMap(({ log_lines }) => log_lines)
      .filter((line) => line.trim() !== '');
    const events = lines.filter((line) => source.mapLine(line, 0, clock).is === 'event');
    expect(events.length).toBeGreaterThan(least);
    if (name === 'access-log')
      expect(lines.length - events.length).toBe(lines.filter((line) => line.includes('[error]')).length);
    else expect(events.length).toBe(lines.filter((line) => / sshd(?:-session)?\[/.test(line)).length);
  });
});
