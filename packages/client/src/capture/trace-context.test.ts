import { describe, expect, it } from 'vitest';
import { parseRequestId, parseTraceparent } from './trace-context.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

describe('parseTraceparent (W3C Trace Context, section 3.2)', () => {
  it.each([`00-${traceId}-${spanId}-01`, `00-${traceId}-${spanId}-00`, `cc-${traceId}-${spanId}-01-more`])(
    'reads %s',
    (header) => {
      expect(parseTraceparent(header)).toEqual({ traceId, spanId });
    },
  );

  it.each([
    undefined,
    '',
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-1`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId}-${spanId}-01 `,
    `ff-${traceId}-${spanId}-01`,
    `0-${traceId}-${spanId}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.slice(1)}-${spanId}-01`,
    `cc-${traceId}-${spanId}-01more`,
    `cc-${traceId}-${spanId}-01-${'x'.repeat(600)}`,
  ])('ignores %j', (header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });
});

describe('parseRequestId', () => {
  it.each(['a', 'req-1.a:b/c+d=e@f_G', 'x'.repeat(128)])('takes %s', (id) => {
    expect(parseRequestId(id)).toBe(id);
  });

  it.each([undefined, '', 'a b', 'a\tb', '<script>', 'a"b', 'é', 'x'.repeat(129)])('ignores %j', (id) => {
    expect(parseRequestId(id)).toBeUndefined();
  });
});
