import { isIP } from 'node:net';
import { eventSchema } from '@sealtrail/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileClientAddress, normalizeAddress } from './client-address.ts';

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
  const resolve = compileClientAddress(['127.0.0.1', '10.0.0.0/8', '2001:db8:ffff::/48']);

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
    ['an IPv6 proxy', '2001:db8:ffff::1', '2001:DB8::5', '2001:db8::5'],
    ['a port beside IPv4', '127.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
    ['a port beside IPv6', '127.0.0.1', '[2001:db8::5]:4711', '2001:db8::5'],
    ['something that is no address ends the walk', '127.0.0.1', '203.0.113.9, unknown, 10.0.0.1', '10.0.0.1'],
    ['an empty element ends the walk', '127.0.0.1', '203.0.113.9,', '127.0.0.1'],
  ])('%s', (_, peer, header, client) => {
    expect(resolve(peer, header)).toBe(client);
  });

  it('what is written in front of the header never changes the answer for an untrusted client', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (claim) => {
        expect(resolve('127.0.0.1', `${claim}, 203.0.113.9, 10.0.0.1`)).toBe('203.0.113.9');
      }),
    );
  });

  it('gives an address or nothing for any header', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789.:,[]% afx') }), (header) => {
        expect(isIP(resolve('127.0.0.1', header) ?? '')).not.toBe(0);
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
    '::ffff:10.0.0.0/104',
  ])('refuses the range %j', (range) => {
    expect(() => compileClientAddress([range])).toThrow(
      expect.objectContaining({ code: 'invalid_configuration' }),
    );
  });
});
