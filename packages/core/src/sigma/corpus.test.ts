import { describe, expect, it } from 'vitest';
import {
  cloudEvents,
  derivedEvents,
  specificationExamples,
  windowsEvents,
  windowsRegression,
} from './testing/conformance.ts';
import { isAbsent } from './testing/corpus.ts';

describe.skipIf(isAbsent)('third-party verdicts (skipped where the shared folder is absent)', () => {
  it('on events made from rules', () => {
    const { cases, wrong, refused } = derivedEvents();
    expect(cases).toBeGreaterThan(10_000);
    expect([wrong, refused]).toEqual([[], {}]);
  });

  it('on cloud audit events', () => {
    const { cases, positive, wrong, refused } = cloudEvents();
    expect([cases > 300_000, positive > 300]).toEqual([true, true]);
    expect([wrong, refused]).toEqual([[], {}]);
  });

  it('on events that were recorded on Windows', () => {
    const { cases, positive, wrong, refused } = windowsEvents();
    expect([cases > 200_000, positive > 300]).toEqual([true, true]);
    expect(wrong).toEqual([]);
    // Their values are part of another installation.
    expect([...new Set(Object.values(refused))]).toEqual([
      'no value is known for the placeholder %known_cdcs%',
    ]);
  });

  it('on what rules are to find at least', () => {
    const { cases, wrong } = windowsRegression();
    expect(cases).toBeGreaterThan(100);
    // This one needs a field under another name than the event has it by, says the README of the data.
    expect(wrong).toEqual(['a7c3e5f2-8b1d-4e9a-b6c2-3d7f5e8a9b4c']);
  });

  it('on what the specification gives as examples', () => {
    const { cases, refused } = specificationExamples();
    expect(cases).toBeGreaterThan(10);
    expect(refused).toEqual({});
  });
});
