import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry } from '../event/event.ts';
import { matches } from './match.ts';
import { parseFilter } from './parse.ts';

const nowMs = Date.UTC(2026, 0, 31, 12);
const entry: Entry = {
  action: 'user.login',
  actor: { email: 'Ann@Example.com', id: 'u_12', name: 'Ann Łódzka', sessionId: 's-1', type: 'user' },
  category: 'authentication',
  changes: [
    { after: { plan: ['Gold Tier'] }, before: null, field: 'plan' },
    { after: 5, field: 'seats' },
  ],
  context: {
    environment: 'production',
    http: { durationMs: 12.5, method: 'POST', path: '/v1/login', status: 401 },
    requestId: 'req-8F3A',
    service: 'auth-api',
  },
  id: '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f',
  metadata: {
    amount: 100,
    attempts: [1, 7],
    blank: null,
    'dotted.key': { inner: 'deep' },
    flag: true,
    items: [{ sku: 'A-1' }, { sku: 'B 2' }],
    ratio: '0.5',
  },
  outcome: 'failure',
  reason: 'Wrong password (second attempt)',
  receivedAt: '2026-01-31T11:59:59.500Z',
  schemaVersion: 1,
  severity: 'medium',
  source: { ip: '10.1.2.3', port: 443, userAgent: 'Mozilla/5.0 Chrome/120' },
  targets: [
    { id: 'inv_1', name: 'Invoice One', type: 'invoice' },
    { id: 'u_13', type: 'user' },
  ],
  tenant: 'acme',
  time: '2026-01-31T11:00:00.000Z',
  trail: 'main',
};

const found = (query: string): boolean => matches(parseFilter(query, { nowMs }), entry);

describe('an entry is found by', () => {
  test.each([
    // keywords
    'action:user.login',
    'action:user.*',
    'action:*login',
    'action:u*r*n',
    'actor:u_12',
    'target:u_13',
    'target:inv_*',
    'changes.field:seats',
    'changes.field:*',
    'actor.sessionId:*',
    'id:019370A2-7C1E-7B3A-9F5E-2C8D4A6B1E0F',
    'id:019370A2*',
    'trail:main',
    // texts
    'reason:password',
    'reason:"WRONG password"',
    'reason:sec*',
    'reason:"second att"*',
    'reason:*PASSWORD*',
    'reason="Wrong password (second attempt)"',
    'actor.name:łódzka',
    'ua:chrome',
    // numbers
    'status:401',
    'status:4.01e2',
    'status>=401',
    'status<500',
    'status:400..499',
    'status:..401',
    'durationMs>12.4',
    'durationMs<=12.5',
    // addresses
    'ip:10.1.2.3',
    'ip:::ffff:10.1.2.3',
    'ip:10.0.0.0/8',
    'ip:10.1.*',
    'ip:10.1.2.0..10.1.2.9',
    'ip:::/0',
    // severities
    'severity>=medium',
    'severity:low..high',
    'severity<high',
    // times
    'since:2h',
    'since:2026-01-31T11:00:00Z',
    'until:2026-02-01',
    'time:2026-01-31',
    'time:2026-01-30..2026-01-31',
    'time>2026-01-30',
    'receivedAt>=1m',
    // metadata
    'metadata.amount:100',
    'metadata.amount:1e2',
    'metadata.amount>99',
    'metadata.attempts:7',
    'metadata.attempts:5..9',
    'metadata.flag:true',
    'metadata.flag:*',
    'metadata.ratio:0.5',
    'metadata.ratio:0*',
    'metadata.items.sku:A-1',
    'metadata.items.sku:B*',
    'metadata.dotted.key.inner:deep',
    // any text
    'login',
    'LOGIN',
    'user.login',
    '"password second"',
    'chro*',
    'ann@example.com',
    'gold',
    'sku -metadata.items.sku:A-1 OR "b 2"',
    // whole values
    'req-8F3A',
    's-1',
    '10.1.2.3',
    '019370A2-7C1E-7B3A-9F5E-2C8D4A6B1E0F',
    // together
    '',
    '*',
    'actor:u_12 outcome:failure',
    'actor:(u_1 OR u_12)',
    'NOT actor:u_1',
    '-(actor:u_1 OR actor:u_2)',
    'actor:u_1 OR action:user.* outcome:failure',
    'target:inv_1 target:u_13',
    'status:(-500 -200)',
    'status:(>=400 <500)',
  ])('%s', (query) => {
    expect(found(query)).toBe(true);
  });
});

describe('an entry is not found by', () => {
  test.each([
    'action:User.login',
    'action:user',
    'action:*logi',
    'action:user.l*login',
    'action:user.log*login',
    'action:user*login*n',
    'action:user*.log*login*',
    'action:*user*user*',
    'reason:*password*PASSWORD*',
    'metadata.items.sku:A*-1*1',
    'actor:u_1',
    'actor.onBehalfOf:*',
    '-target:u_13',
    'reason:pass',
    'reason:"password wrong"',
    'reason="wrong password (second attempt)"',
    'reason:wrong*password',
    'status:200',
    'status>401',
    'ip:10.1.2.4',
    'ip:11.0.0.0/8',
    'ip:10.1.3.*',
    'severity>=high',
    'since:59m',
    'until:2026-01-31T11:00:00Z',
    'time:2026-01-30',
    'time>2026-01-31',
    'metadata.amount:"0x64"',
    'metadata.amount:" 100"',
    'metadata.ratio>0',
    'metadata.blank:*',
    'metadata.items:*',
    'metadata.dotted:*',
    'metadata.flag:false',
    'metadata.items.sku:a-1',
    'req',
    'req-8f3a',
    'req-8*',
    '10.1.2',
    'main',
    'one two',
    'actor:u_12 outcome:success',
    'target:(inv_1 AND inv_2)',
    '-*',
  ])('%s', (query) => {
    expect(found(query)).toBe(false);
  });
});

test('parts of a glob stand one behind the other, whatever they are: it finds what a regular expression does', () => {
  const text = (maxLength: number): fc.Arbitrary<string> =>
    fc.string({ unit: fc.constantFrom('a', 'b'), maxLength });
  fc.assert(
    fc.property(text(8), fc.array(text(3), { minLength: 2, maxLength: 4 }), (action, parts) => {
      const isFound = matches({ op: 'glob', field: 'action', parts }, { ...entry, action });
      expect(isFound).toBe(new RegExp(`^${parts.join('.*')}$`).test(action));
    }),
    { numRuns: 2000 },
  );
});
