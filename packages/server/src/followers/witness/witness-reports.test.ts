import { expect, it } from 'vitest';
import type { SystemEvent } from '../../access/system-trail.ts';
import { WitnessReports } from './witness-reports.ts';

const minuteMs = 60_000;
const main = { witness: 'w', trail: 'main' };
const other = { witness: 'w', trail: 'other' };

/** Reports over a clock that the test moves, as `trail outcome codes`. */
class Reported {
  nowMs = 0;
  readonly texts: string[] = [];
  readonly reports: WitnessReports = new WitnessReports(
    async ({ outcome, metadata }: SystemEvent) => {
      this.texts.push([metadata?.['trail'], outcome, metadata?.['codes'] ?? []].flat().join(' '));
    },
    (error) => {
      throw error;
    },
    () => this.nowMs,
  );
}

it('an outage is one of the witness, whatever trails it was to be asked about', () => {
  const { reports, texts } = new Reported();
  for (const subject of [main, other, main]) reports.failed(subject, { code: 'unreachable' });
  reports.signed(other, false);
  reports.signed(main, false);
  expect(texts).toEqual(['main failure unreachable', 'other success']);
});

it('a refusal is one of the trail', () => {
  const { reports, texts } = new Reported();
  for (const subject of [main, other, main]) reports.failed(subject, { code: 'conflict', size: 9 });
  reports.signed(main, true);
  reports.failed(other, { code: 'conflict', proven: 'rolled_back' });
  expect(texts).toEqual([
    'main denied conflict',
    'other denied conflict',
    'main success',
    'other denied conflict rolled_back',
  ]);
});

it('a witness that comes and goes is reported once in ten minutes, each failure for itself', () => {
  const reported = new Reported();
  const { reports, texts } = reported;
  for (let i = 0; i < 40; i++, reported.nowMs += minuteMs) {
    reports.failed(main, { code: 'unreachable' });
    reports.signed(main, false);
  }
  expect(texts).toHaveLength(2 * 4);
  reports.failed(main, { code: 'inconsistent' });
  expect(texts.slice(-2)).toEqual(['main success', 'main denied inconsistent']);
});
