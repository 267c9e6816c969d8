import type { Alert, AlertDetails } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { sampleAlert } from '../channels/testing/sample-notification.ts';
import { alertReport } from './alert-report.ts';
import { alertStatsReport } from './alert-stats-report.ts';
import { aboutText, statusText } from './alert-text.ts';
import { textWidth } from './text-width.ts';

const alert: Alert = sampleAlert({
  tags: ['attack.credential-access', 'attack.t1110.003', 'attack.initial-access', 'attack.t1078'],
  entity: { 'actor.id': 'u_1', 'source.ip': '192.0.2.7' },
  addresses: ['192.0.2.7', '192.0.2.8'],
  status: 'resolved',
  disposition: 'true_positive',
  findings: 12,
  entries: [10, 11],
  openedAt: '2026-01-31T09:35:01.250Z',
  changedAt: '2026-01-31T10:00:00.000Z',
  resolvedAt: '2026-01-31T10:00:00.000Z',
  inhibitedBy: ['alr_0123456789abcdef00000000'],
});
const details: AlertDetails = {
  alert,
  steps: [
    { at: alert.openedAt, action: 'open', by: null, note: null, assignee: null, disposition: null },
    {
      at: '2026-01-31T10:00:00.000Z',
      action: 'resolve',
      by: 'tok_1',
      note: `it was them\nand ${'a word '.repeat(20)}`,
      assignee: null,
      disposition: 'true_positive',
    },
  ],
  findings: [
    {
      id: 'fnd_1',
      rule: 'brute-force',
      kind: 'correlation',
      startedAt: '2026-01-31T09:33:00.000Z',
      lastAt: '2026-01-31T09:35:00.000Z',
      endedAt: null,
      peak: 14,
      value: null,
      entries: [10, 11],
    },
  ],
};
const entry = {
  id: '019c0000-0000-7000-8000-000000000000',
  schemaVersion: 1,
  time: '2026-01-31T09:30:00.000Z',
  receivedAt: '2026-01-31T09:30:00.000Z',
  trail: 'main',
  action: 'user.login',
  outcome: 'failure',
} as const;
const context = {
  description: 'Somebody  guesses\npasswords.',
  entries: [{ index: 10, entry }],
};

describe('the report on an alert', () => {
  it('tells what happened, of whom, in which entries, and what was done', () => {
    const text = alertReport(details, context, 80);
    for (const told of [
      'Somebody guesses passwords.',
      'actor.id = u_1',
      'last event   2026-01-31T09:35:00Z (5 min 0 s after the first)',
      'resolved: true positive',
      'part of      alr_0123456789abcdef00000000',
      'user.login',
      'could not be read: 11',
      'and 11 before these',
      'resolved as true positive by tok_1',
      '“it was them”',
    ])
      expect(text).toContain(told);
    expect(text).not.toContain('silenced by');
  });

  it('fits into a terminal of 80 columns, and of 60', () => {
    for (const columns of [60, 80])
      for (const line of alertReport(details, context, columns).split('\n'))
        expect([line, textWidth(line) <= columns]).toEqual([line, true]);
  });

  it('lets no control character out of what it tells', () => {
    const evil = '\u001b[2J\u202e';
    const spoilt: AlertDetails = {
      alert: { ...alert, rule: { key: evil, title: evil }, trail: evil, actors: [evil], assignee: evil },
      steps: details.steps.map((step) => ({ ...step, by: evil, note: `a\r${evil}\nb` })),
      findings: details.findings.map((finding) => ({ ...finding, startedAt: evil })),
    };
    const text = alertReport(spoilt, { description: evil, entries: [] }, 80);
    expect([...text].filter((c) => c !== '\n' && /[\p{Cc}\p{Bidi_Control}]/u.test(c))).toEqual([]);
  });
});

describe('an alert in a few words', () => {
  it('says of whom it is, and from where unless that is said', () => {
    expect(aboutText(alert)).toBe('actor.id=u_1 source.ip=192.0.2.7');
    expect(aboutText({ ...alert, entity: { 'actor.id': 'u_1' } })).toBe(
      'actor.id=u_1 from 192.0.2.7 and 1 more',
    );
    expect(aboutText({ ...alert, entity: {} })).toBe('u_1 and 1 more from 192.0.2.7 and 1 more');
    expect(aboutText({ ...alert, entity: {}, actors: [], addresses: [] })).toBe('');
  });

  it('says what has become of it', () => {
    expect(statusText(alert)).toBe('resolved: true positive');
    expect(statusText({ ...alert, status: 'assigned', assignee: 'u_9', disposition: null })).toBe(
      'assigned to u_9',
    );
    expect(statusText({ ...alert, status: 'open', disposition: null })).toBe('open');
  });
});

describe('the report on alerts', () => {
  it('leaves out what there is none of', () => {
    const none = {
      total: 0,
      byStatus: { open: 0, acknowledged: 0, assigned: 0, resolved: 0 },
      byLevel: { informational: 0, low: 0, medium: 0, high: 0, critical: 0 },
      byDisposition: { true_positive: 0, benign: 0, false_positive: 0, duplicate: 0 },
      byRule: [],
      meanTimeToDetectMs: null,
      meanTimeToAcknowledgeMs: null,
      meanTimeToResolveMs: null,
    };
    expect(alertStatsReport(none, 80)).toBe('0 alerts\n');
    const some = {
      ...none,
      total: 3,
      byLevel: { ...none.byLevel, low: 1, high: 2 },
      byDisposition: { ...none.byDisposition, false_positive: 1 },
      byRule: [{ rule: 'brute-force', title: 'Guessing', alerts: 3, falsePositives: 1 }],
      meanTimeToResolveMs: 7_500_000,
    };
    const text = alertStatsReport(some, 80);
    expect(text).toContain('2 high, 1 low');
    expect(text).toContain('1 false positive');
    expect(text).toContain('2 h 5 min after the opening, on average');
    expect(text).toContain('Guessing');
  });
});
