import type { Token } from '@sealtrail/core';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SystemEvent } from '../access/system-trail.ts';
import type { HttpContext, HttpEnv } from './context.ts';
import { FailedSignIns, sourceOf } from './failed-sign-ins.ts';

/** A request as a route sees it. */
function request(ip: string, userAgent?: string, route = '/v1/events'): HttpContext {
  const seen: HttpContext[] = [];
  const app = new Hono<HttpEnv>().get(route, (c) => {
    seen.push(c);
    return c.body(null);
  });
  const headers = userAgent === undefined ? {} : { 'user-agent': userAgent };
  void app.request(route, { headers }, { incoming: { socket: { remoteAddress: ip } } });
  return seen[0]!;
}

const token = { id: 'tok_a', name: 'a' } as Token;

describe('FailedSignIns', () => {
  let noted: SystemEvent[];
  let failures: FailedSignIns;
  beforeEach(() => {
    vi.useFakeTimers();
    noted = [];
    failures = new FailedSignIns({ note: (event) => noted.push(event) });
  });
  afterEach(() => vi.useRealTimers());

  const attempts = (): unknown[] => noted.map(({ metadata }) => metadata?.['attempts']);

  it('reports the first attempt at once, and all further ones of ten seconds together', () => {
    for (let i = 0; i < 100; i++) failures.note(request('10.0.0.1', `agent/${i}`), 'unknown');
    expect(attempts()).toEqual([1]);
    vi.advanceTimersByTime(10_000);
    expect(attempts()).toEqual([1, 99]);
    expect(noted[1]).toMatchObject({
      source: { ip: '10.0.0.1', userAgent: 'agent/99' },
      reason: 'unknown token',
    });
  });

  it('goes on so while attempts go on, and starts anew after a quiet time', () => {
    for (let second = 0; second < 60; second++) {
      failures.note(request('10.0.0.1'), 'missing');
      vi.advanceTimersByTime(1000);
    }
    expect(attempts()).toEqual([1, 9, 10, 10, 10, 10, 10]);
    vi.advanceTimersByTime(60_000);
    failures.note(request('10.0.0.1'), 'missing');
    expect(attempts().at(-1)).toBe(1);
    expect(attempts()).toHaveLength(8);
  });

  it('tells addresses, tokens and routes apart', () => {
    failures.note(request('10.0.0.1'), 'missing');
    failures.note(request('10.0.0.2'), 'missing');
    failures.denied(request('10.0.0.1'), token);
    failures.denied(request('10.0.0.1', undefined, '/v1/tokens'), token);
    failures.denied(request('10.0.0.2'), token);
    expect(noted.map(({ action }) => action)).toEqual([
      'token.authenticate',
      'token.authenticate',
      'api.access',
      'api.access',
    ]);
  });

  it('counts what comes from too many addresses together, so entries stay bounded', () => {
    for (let i = 0; i < 5000; i++) failures.note(request(`10.0.${i >> 8}.${i & 255}`), 'unknown');
    expect(noted).toHaveLength(1001);
    vi.advanceTimersByTime(10_000);
    expect(noted).toHaveLength(1002);
    expect(noted[1001]).toMatchObject({ metadata: { attempts: 3999 } });
    expect(noted[1001]).not.toHaveProperty('source');
  });

  it('leaves no attempt out when it is flushed', () => {
    for (let i = 0; i < 7; i++) failures.note(request('10.0.0.1'), 'unknown');
    failures.denied(request('10.0.0.1'), token);
    failures.flush();
    expect(attempts()).toEqual([1, 1, 6]);
    vi.advanceTimersByTime(60_000);
    expect(attempts()).toEqual([1, 1, 6]);
  });
});

describe('sourceOf', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::1', '::1'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('takes the address %s for %s', (address, ip) => {
    expect(sourceOf(request(address))).toEqual({ source: { ip } });
  });

  it('bounds the user agent', () => {
    expect(sourceOf(request('::1', 'x'.repeat(5000))).source?.userAgent).toHaveLength(512);
  });
});
