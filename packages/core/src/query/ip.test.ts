import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cidrRange, cidrText, ipKey, ipText } from './ip.ts';

describe('addresses', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['::', '::'],
    ['1::', '1::'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ])('%s is written as %s', (text, canonical) => {
    expect(ipText(ipKey(text)!)).toBe(canonical);
  });

  test('exactly the texts that Node takes for an address have a key', () => {
    const char = fc.constantFrom(...'0123456789abcF:.', '::', '255', '1', 'ffff');
    const nearly = fc.array(char, { maxLength: 20 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), nearly), (text) => {
        expect(ipKey(text) !== undefined).toBe(isIP(text) !== 0);
      }),
    );
  });

  test('key and text name the same address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const key = ipKey(text)!;
        expect(key).toMatch(/^[0-9a-f]{32}$/);
        expect(ipKey(ipText(key))).toBe(key);
      }),
    );
  });
});

describe('networks', () => {
  test.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['10.1.2.3/32', '10.1.2.3/32'],
    ['::/0', '::/0'],
    ['2001:db8:ffff::/33', '2001:db8:8000::/33'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:0:0/95', '::fffe:0:0/95'],
  ])('%s is written as %s', (text, canonical) => {
    expect(cidrText(text)).toBe(canonical);
    expect(cidrText(canonical)).toBe(canonical);
  });

  test.each(['10.0.0.0', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0/8', '10.0.0.0/08', '/8', '::/-1'])(
    '%s is none',
    (text) => {
      expect(cidrRange(text)).toBeUndefined();
    },
  );

  test('hold the addresses that Node says', () => {
    const network = fc.oneof(
      fc.tuple(fc.ipV4(), fc.nat(32), fc.ipV4()),
      fc.tuple(fc.ipV6(), fc.nat(128), fc.ipV6()),
    );
    fc.assert(
      fc.property(network, fc.boolean(), ([base, bits, other], near) => {
        const family = isIP(base) === 4 ? 'ipv4' : 'ipv6';
        const list = new BlockList();
        list.addSubnet(base, bits, family);
        const address = near ? base : other;
        const { first, last } = cidrRange(`${base}/${bits}`)!;
        const key = ipKey(address)!;
        expect(key >= first && key <= last).toBe(list.check(address, family));
      }),
    );
  });
});
