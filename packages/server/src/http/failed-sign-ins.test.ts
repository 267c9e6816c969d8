import { compileClientAddress, type Token } from '@sealtrail/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { actorOf } from '../access/permissions.ts';
import type { SystemEvent } from '../access/system-trail.ts';
import { FailedSignIns } from './failed-sign-ins.ts';
import { requestFrom as request } from './testing/request-from.ts';

const agent = { 'user-agent': 'agent' };
const token = { id: 'tok_a', name: 'a' } as Token;

describe('FailedSignIns', () => {
  let noted: SystemEvent[];
  let failures: FailedSignIns;
  beforeEach(() => {
    vi.useFakeTimers();
    noted = [];
    failures = new FailedSignIns({
      system: { note: (event) => noted.push(event) },
      clientAddress: compileClientAddress(['10.1.0.0/16']),
    });
  });
  afterEach(() => vi.useRealTimers());

  const attempts = (): unknown[] => noted.map(({ metadata }) => metadata?.['attempts']);

  it('reports the first attempt at once, and all further ones of ten seconds together', () => {
    for (let i = 0; i < 100; i++)
      failures.note(request('10.0.0.1', { 'user-agent': `agent/${i}` }), 'unknown');
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
    failures.denied(request('10.0.0.1', {}, '/v1/tokens'), token);
    failures.denied(request('10.0.0.2'), token);
    expect(noted.map(({ action }) => action)).toEqual([
      'token.authenticate',
      'token.authenticate',
      'api.access',
      'api.access',
    ]);
  });

  it('tells apart who comes through a trusted proxy, and believes nobody else', () => {
    const through = (proxy: string, client: string): void =>
      failures.note(request(proxy, { 'x-forwarded-for': client }), 'unknown');
    for (let i = 0; i < 3; i++) for (const proxy of ['10.1.0.1', '10.2.0.1']) through(proxy, `192.0.2.${i}`);
    expect(noted.map(({ source }) => source?.ip)).toEqual([
      ...['192.0.2.0', '10.2.0.1', '192.0.2.1', '192.0.2.2'],
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

  it('names nobody in an entry about requests from everywhere', () => {
    for (let i = 0; i < 1000; i++) failures.note(request(`10.0.${i >> 8}.${i & 255}`), 'unknown');
    noted = [];
    // The first of them is reported at once, the others together.
    for (let i = 0; i < 3; i++)
      failures.denied(request('10.9.9.9', agent), { ...token, id: `tok_${i}` } as Token);
    failures.note(request('10.9.9.8', agent), 'missing');
    failures.denied(request('10.9.9.7', agent), { ...token, id: 'tok_last' } as Token);
    vi.advanceTimersByTime(10_000);
    expect(attempts()).toEqual([1, 4]);
    for (const event of noted) {
      expect(event).toMatchObject({ action: 'api.access', outcome: 'denied' });
      expect(event).not.toHaveProperty('source');
      expect(event).not.toHaveProperty('actor');
    }
  });

  it('says whose requests they were, also of many together', () => {
    const denied = (): void => failures.denied(request('10.0.0.1', agent), token);
    for (let i = 0; i < 4; i++) denied();
    vi.advanceTimersByTime(10_000);
    for (let i = 0; i < 5; i++) denied();
    failures.flush();
    expect(attempts()).toEqual([1, 3, 5]);
    for (const event of noted)
      expect(event).toMatchObject({
        actor: actorOf(token),
        source: { ip: '10.0.0.1', userAgent: 'agent' },
        context: { http: { method: 'GET', route: '/v1/events' } },
      });
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
