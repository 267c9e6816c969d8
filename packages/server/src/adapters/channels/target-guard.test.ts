import type { LookupAddress } from 'node:dns';
import { ipKey, ipText } from '@sealtrail/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../../testing/code-of.ts';
import { isPublicAddress } from './public-address.ts';
import { TargetGuard, TargetRefused } from './target-guard.ts';

const notPublic = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '10.255.255.255',
  '100.64.0.1',
  '100.100.100.200',
  '127.0.0.1',
  '127.255.255.254',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::7f00:1', // IPv4-compatible
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:10.0.0.1',
  '::ffff:169.254.169.254',
  '64:ff9b::127.0.0.1',
  '64:ff9b::10.0.0.1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::1.1.1.1', // NAT64 of a network's own
  '100::1',
  '2001::1', // Teredo
  '2001:db8::1',
  '2002:7f00:1::1', // 6to4 of 127.0.0.1
  '2002:a00:1::1',
  '2002:808:808::1',
  '3fff::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'febf::1',
  'fec0::1',
  'ff02::1',
];
const isPublic = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '168.63.129.15',
  '169.253.255.255',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
  '2001:4860:4860::8888',
  '2606:4700:4700::1111',
  '2a00:1450::1',
];

describe('isPublicAddress', () => {
  it.each(notPublic)('is false of %s', (address) => {
    expect(isPublicAddress(ipKey(address)!)).toBe(false);
  });
  it.each(isPublic)('is true of %s', (address) => {
    expect(isPublicAddress(ipKey(address)!)).toBe(true);
  });
});

/** A guard that never asks a name server: names lead to what a test says. */
const guarded = (
  allowed: readonly string[],
  names: Readonly<Record<string, readonly string[]>> = {},
): TargetGuard =>
  new TargetGuard(allowed, (host) =>
    Promise.resolve(
      (names[host] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    ),
  );

const outcome = (promise: Promise<readonly LookupAddress[]>): Promise<unknown> =>
  promise.then(
    (found) => found.map(({ address }) => address),
    (error: unknown) => (error instanceof TargetRefused ? 'refused' : error),
  );

describe('TargetGuard', () => {
  it.each([...notPublic, 'localhost', 'LOCALHOST.', 'a.localhost', '[::1]'])(
    'refuses %s without looking it up',
    (host) => {
      expect(guarded([]).refusal(host)).toBeDefined();
    },
  );

  it.each([
    ['http://0x7f.1/', '127.0.0.1'],
    ['http://2130706433/', '127.0.0.1'],
    ['http://0177.0.0.1/', '127.0.0.1'],
    ['http://127.1/', '127.0.0.1'],
    ['http://[::ffff:7f00:1]/', '[::ffff:7f00:1]'],
    ['http://①②⑦.0.0.1/', '127.0.0.1'],
  ])('refuses what %s is another spelling of', (url, host) => {
    expect(new URL(url).hostname).toBe(host);
    expect(guarded([]).refusal(new URL(url).hostname)).toBeDefined();
  });

  it.each(notPublic)('refuses a name that leads to %s', async (address) => {
    const guard = guarded([], { 'hooks.example.com': [address], 'mixed.example.com': ['1.1.1.1', address] });
    expect(guard.refusal('hooks.example.com')).toBeUndefined();
    expect(await outcome(guard.addressesOf('hooks.example.com'))).toBe('refused');
    expect(await outcome(guard.addressesOf('mixed.example.com'))).toBe('refused');
  });

  it('gives public addresses, of names and as they are', async () => {
    const guard = guarded([], { 'hooks.example.com': ['1.1.1.1', '2606:4700:4700::1111'] });
    expect(await outcome(guard.addressesOf('Hooks.Example.com.'))).toEqual([
      '1.1.1.1',
      '2606:4700:4700::1111',
    ]);
    expect(await outcome(guard.addressesOf('8.8.8.8'))).toEqual(['8.8.8.8']);
    expect(await guard.addressesOf('nowhere.example.com').catch(({ code }) => code)).toBe('ENOTFOUND');
  });

  it('lets through what is allowed: names, addresses and ranges, and nothing beside them', async () => {
    const guard = guarded(['hooks.internal', '10.1.0.0/16', '::1'], {
      'hooks.internal': ['192.168.0.1'],
      'other.internal': ['192.168.0.1'],
      'ten.internal': ['10.1.2.3'],
      'eleven.internal': ['10.2.2.3'],
    });
    expect(await outcome(guard.addressesOf('HOOKS.internal'))).toEqual(['192.168.0.1']);
    expect(await outcome(guard.addressesOf('other.internal'))).toBe('refused');
    expect(await outcome(guard.addressesOf('ten.internal'))).toEqual(['10.1.2.3']);
    expect(await outcome(guard.addressesOf('eleven.internal'))).toBe('refused');
    expect(await outcome(guard.addressesOf('::ffff:10.1.2.3'))).toEqual(['::ffff:10.1.2.3']);
    expect(await outcome(guard.addressesOf('0:0:0:0:0:0:0:1'))).toEqual(['0:0:0:0:0:0:0:1']);
    expect(await outcome(guard.addressesOf('sub.hooks.internal'))).not.toEqual(['192.168.0.1']);
  });

  it.each(['', 'http://hooks.internal', '10.0.0.0/99', '300.1.1.1', '*.internal', 'a b'])(
    'takes %j for no target that could be allowed',
    (text) => {
      expect(codeOf(() => new TargetGuard([text]))).toBe('invalid_configuration');
    },
  );

  it('gives sockets no address that it has not judged, in the form that they ask for', async () => {
    const names = { a: ['1.1.1.1', '2606:4700:4700::1111'], b: ['10.0.0.1'] };
    const { lookup } = guarded([], names);
    const ask = (host: string, options: object): Promise<unknown> =>
      new Promise((resolve) =>
        lookup(host, options, (error, ...found) => resolve(error?.name ?? error ?? found)),
      );
    expect(await ask('a', { all: true })).toEqual([
      [
        { address: '1.1.1.1', family: 4 },
        { address: '2606:4700:4700::1111', family: 6 },
      ],
    ]);
    expect(await ask('a', {})).toEqual(['1.1.1.1', 4]);
    expect(await ask('a', { family: 6 })).toEqual(['2606:4700:4700::1111', 6]);
    expect(await ask('b', { all: true })).toBe('TargetRefused');
  });

  it('judges every spelling of an address alike', () => {
    const guard = guarded([]);
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const mapped = `::ffff:${address}`;
        const isRefused = guard.refusal(address) !== undefined;
        expect(guard.refusal(mapped) !== undefined).toBe(isRefused);
        expect(guard.refusal(`64:ff9b::${address}`) !== undefined).toBe(isRefused);
        expect(ipText(ipKey(mapped)!)).toBe(address);
      }),
    );
  });
});
