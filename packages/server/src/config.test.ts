import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';

describe('trusted proxies', () => {
  const trusted = (value: string | undefined): readonly string[] =>
    parseConfig({ dir: 'data' }, { SEALTRAIL_TRUST_PROXY: value }).trustProxy;

  it('are nobody by default', () => {
    expect([trusted(undefined), trusted('')]).toEqual([[], []]);
  });

  it('are those of the environment, with commas or spaces between, unless others are given', () => {
    expect(trusted('10.0.0.0/8, ::1  192.0.2.1')).toEqual(['10.0.0.0/8', '::1', '192.0.2.1']);
    const given = parseConfig({ dir: 'data', trustProxy: ['::1'] }, { SEALTRAIL_TRUST_PROXY: '10.0.0.1' });
    expect(given.trustProxy).toEqual(['::1']);
  });

  it.each(['proxy.example.com', '10.0.0.0/33', '*', 'true', '10.0.0.1;::1'])('are not %s', (value) => {
    expect(() => trusted(value)).toThrow(expect.objectContaining({ code: 'invalid_configuration' }));
  });
});
