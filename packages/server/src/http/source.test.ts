import { compileClientAddress } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { sourceOf } from './source.ts';
import { requestFrom } from './testing/request-from.ts';

const trusting = (...trustProxy: string[]) => ({ clientAddress: compileClientAddress(trustProxy) });

describe('sourceOf', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::1', '::1'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('takes the address %s for %s', (address, ip) => {
    expect(sourceOf(trusting(), requestFrom(address))).toEqual({ source: { ip } });
  });

  it('says nothing where the connection is gone', () => {
    expect(sourceOf(trusting(), requestFrom(undefined))).toEqual({});
  });

  it.each([{ 'x-forwarded-for': '6.6.6.6, 192.0.2.7' }, { forwarded: 'for=6.6.6.6, for=192.0.2.7' }])(
    'goes by what trusted proxies say in %o',
    (headers) => {
      const request = requestFrom('10.0.0.1', headers);
      expect(sourceOf(trusting(), request).source?.ip).toBe('10.0.0.1');
      expect(sourceOf(trusting('10.0.0.2', '::1'), request).source?.ip).toBe('10.0.0.1');
      expect(sourceOf(trusting('10.0.0.0/8'), request).source?.ip).toBe('192.0.2.7');
    },
  );

  it('bounds the user agent', () => {
    const { source } = sourceOf(trusting(), requestFrom('::1', { 'user-agent': 'x'.repeat(5000) }));
    expect(source?.userAgent).toHaveLength(512);
  });
});
