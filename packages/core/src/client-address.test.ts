import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileClientAddress, normalizeAddress } from './client-address.ts';
import { eventSchema } from './event/event.ts';

describe('normalizeAddress', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:C000:0201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
    ['', undefined],
    ['unknown', undefined],
    ['1.2.3', undefined],
    ['1.2.3.4.5', undefined],
    ['256.1.1.1', undefined],
    ['1.2.3.4 ', undefined],
  ])('%j is %j', (text, address) => {
    expect(normalizeAddress(text)).toBe(address);
  });

  it('gives what an event accepts as source.ip', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const ip = normalizeAddress(text)!;
        expect(eventSchema.safeParse({ action: 'a', source: { ip } }).success).toBe(true);
        expect(normalizeAddress(ip)).toBe(ip);
      }),
    );
  });
});

describe('compileClientAddress', () => {
  const find = compileClientAddress([
    '127.0.0.1',
    '10.0.0.0/8',
    '2001:db8:ffff::/48',
    '::ffff:172.16.0.0/108',
  ]);
  const resolve = (peer: string | undefined, forwardedFor: string | undefined): string | undefined =>
    find(peer, (name) => (name === 'x-forwarded-for' ? forwardedFor : undefined));
  const resolveForwarded = (forwarded: string, forwardedFor?: string): string | undefined =>
    find('127.0.0.1', (name) => ({ forwarded, 'x-forwarded-for': forwardedFor })[name]);

  it.each<[string, string | undefined, string | undefined, string | undefined]>([
    ['no header: the peer', '10.0.0.1', undefined, '10.0.0.1'],
    ['no peer: nobody', undefined, '203.0.113.9', undefined],
    ['an untrusted peer is believed nothing', '203.0.113.1', '203.0.113.9', '203.0.113.1'],
    ['a trusted peer reports the client', '127.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['what the client itself wrote is left', '127.0.0.1', '6.6.6.6, 203.0.113.9', '203.0.113.9'],
    ['trusted hops are walked', '127.0.0.1', '203.0.113.9, 10.9.9.9,10.0.0.1', '203.0.113.9'],
    ['all trusted: the first hop', '127.0.0.1', '10.9.9.9, 10.0.0.1', '10.9.9.9'],
    ['a mapped peer is the same peer', '::ffff:127.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['a mapped hop is the same hop', '127.0.0.1', '203.0.113.9, ::ffff:10.0.0.1', '203.0.113.9'],
    ['a range that is written as a mapped one', '172.31.0.1', '203.0.113.9', '203.0.113.9'],
    ['an IPv6 proxy', '2001:db8:ffff::1', '2001:DB8::5', '2001:db8::5'],
    ['a port beside IPv4', '127.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
    ['a port beside IPv6', '127.0.0.1', '[2001:db8::5]:4711', '2001:db8::5'],
    ['something that is no address ends the walk', '127.0.0.1', '203.0.113.9, unknown, 10.0.0.1', '10.0.0.1'],
    ['an empty element ends the walk', '127.0.0.1', '203.0.113.9,', '127.0.0.1'],
  ])('%s', (_, peer, header, client) => {
    expect(resolve(peer, header)).toBe(client);
  });

  it.each([
    ['for=203.0.113.9', '203.0.113.9'],
    ['for=203.0.113.9;proto=https;by=10.0.0.1', '203.0.113.9'],
    ['proto=https; For = "203.0.113.9:4711" ;host=a', '203.0.113.9'],
    ['for="[2001:DB8::5]:4711"', '2001:db8::5'],
    ['for="[2001:db8::5]"', '2001:db8::5'],
    ['for=6.6.6.6, for=203.0.113.9, for=10.0.0.1', '203.0.113.9'],
    ['for=6.6.6.6, by=203.0.113.9', '127.0.0.1'],
    ['for=203.0.113.9, for=unknown', '127.0.0.1'],
    ['for=203.0.113.9, for=_hidden, for=10.0.0.1', '10.0.0.1'],
    ['for=6.6.6.6;host=x;for=203.0.113.9', '127.0.0.1'],
    ['', '127.0.0.1'],
  ])('goes by Forwarded: %s', (header, client) => {
    expect(resolveForwarded(header)).toBe(client);
  });

  it('goes by Forwarded only where there is no X-Forwarded-For', () => {
    expect(resolveForwarded('for=6.6.6.6', '203.0.113.9')).toBe('203.0.113.9');
    expect(resolveForwarded('for=6.6.6.6', 'unknown')).toBe('127.0.0.1');
  });

  it('trusts nobody unless told to', () => {
    const peers = ['127.0.0.1', '::1', '10.0.0.1', '203.0.113.1'];
    for (const peer of peers) expect(compileClientAddress([])(peer, () => '6.6.6.6')).toBe(peer);
    expect(compileClientAddress(['::/0'])('10.0.0.1', () => '6.6.6.6')).toBe('10.0.0.1');
  });

  it('what is written in front of the header never changes the answer for an untrusted client', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (claim) => {
        expect(resolve('127.0.0.1', `${claim}, 203.0.113.9, 10.0.0.1`)).toBe('203.0.113.9');
        expect(resolveForwarded(`${claim}, for=203.0.113.9, for=10.0.0.1`)).toBe('203.0.113.9');
      }),
    );
  });

  it('gives an address or nothing for any header', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789.:,[]% afx') }), (header) => {
        expect(isIP(resolve('127.0.0.1', header) ?? '')).not.toBe(0);
        expect(isIP(resolveForwarded(`for=${header}`) ?? '')).not.toBe(0);
      }),
    );
  });

  it('looks at a bounded number of hops', () => {
    const header = `203.0.113.9${',10.0.0.1'.repeat(1000)}`;
    expect(resolve('127.0.0.1', header)).toBe('10.0.0.1');
  });

  it.each([
    '',
    'localhost',
    '10.0.0.0/33',
    '::1/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    'fe80::1%eth0',
  ])('refuses the range %j', (range) => {
    expect(() => compileClientAddress([range])).toThrow(
      expect.objectContaining({ code: 'invalid_configuration' }),
    );
  });
});
