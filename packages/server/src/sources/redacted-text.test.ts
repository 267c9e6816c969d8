import { canonicalJson, createRedactor, type Event, type JsonValue } from '@sealtrail/core';
import { expect, it } from 'vitest';
import { redactedText } from './redacted-text.ts';

const redactor = createRedactor();
const redact = (event: Event): Event => redactor(event, canonicalJson(event as JsonValue));

it.each([
  ['GET /?password=hunter2&a=b', 'GET /?password=[redacted:key]&a=b'],
  ['{"user":"ada","password":"hunter2"}', '{"user":"ada","password":"[redacted:key]"}'],
  ['{"user":"ada","password": "hunter2", broken', '{"user":"ada","password":"[redacted:key]", broken'],
  [`authorization: Bearer ${'a'.repeat(24)}`, 'authorization: Bearer [redacted:bearer_token]'],
  ['{ "plain" : 1 }', '{ "plain" : 1 }'],
  ['not json: "a": "b"', 'not json: "a": "b"'],
  ['null', 'null'],
])('%s is kept as %s', (text, kept) => {
  expect(redactedText(redact, text)).toBe(kept);
});

it('takes time in proportion to the text', () => {
  const text = '"a":"'.repeat(40_000);
  expect(redactedText(redact, text).length).toBeGreaterThan(0);
});
