import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { codeOf } from '../../testing/code-of.ts';
import { MmdbLocations } from './mmdb-locations.ts';

/** Test data of third parties; it stays outside of the repository. */
const corpus = fileURLToPath(new URL('../../../../../../shared/corpus/09-geoip-test-db/', import.meta.url));
const dataOf = (name: string): string => path.join(corpus, 'test-data', `${name}.mmdb`);
const folder = mkdtempSync(path.join(tmpdir(), 'sealtrail-mmdb-'));
afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, content: Uint8Array | string): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

describe('MmdbLocations', () => {
  it.each([
    ['a file that is not there', () => path.join(folder, 'none.mmdb')],
    ['a folder', () => folder],
    ['an empty file', () => written('empty.mmdb', '')],
    ['some other file', () => written('text.mmdb', 'not a database '.repeat(500))],
  ])('refuses %s', (_, file) => {
    expect(codeOf(() => new MmdbLocations([file()]))).toBe('invalid_configuration');
  });
});

describe.skipIf(!existsSync(corpus))(
  'MmdbLocations over test databases (skipped where the shared folder is absent)',
  () => {
    const all = ['GeoIP2-City-Test', 'GeoLite2-ASN-Test', 'GeoIP2-Anonymous-IP-Test'];

    it('puts together what several databases know', () => {
      const { databases, locate } = new MmdbLocations(all.map(dataOf));
      expect(databases.map(({ type }) => type)).toEqual([
        'GeoIP2-City',
        'GeoLite2-ASN',
        'GeoIP2-Anonymous-IP',
      ]);
      expect(locate('81.2.69.160')).toMatchObject({
        country: 'GB',
        isAnonymous: true,
        accuracyKm: expect.any(Number),
      });
      expect(locate('1.128.0.0')).toMatchObject({ asn: 1221 });
      expect(locate('::ffff:1.128.0.0')).toEqual(locate('1.128.0.0'));
      expect(locate('192.0.2.1')).toBeUndefined();
      expect(locate('no address')).toBeUndefined();
    });

    it('says what the source of the databases says', () => {
      const { locate } = new MmdbLocations([dataOf('GeoIP2-City-Test')]);
      const source = JSON.parse(
        readFileSync(path.join(corpus, 'source-data/GeoIP2-City-Test.json'), 'utf8'),
      ) as readonly Record<string, { readonly country?: { readonly iso_code?: string } }>[];
      const expected = source
        .flatMap((one) => Object.entries(one))
        .map(([network, { country }]) => {
          const address = network.replace(/\/\d+$/, '').replace(/^::(\d+\.)/, '$1');
          return [address, country?.iso_code] as const;
        });
      expect(expected.length).toBeGreaterThan(200);
      const found = expected.map(([address]) => [address, locate(address)?.country]);
      expect(found).toEqual(expected.map((one) => [...one]));
    });

    it('remembers a bounded number of addresses, and says the same of one that it has forgotten', () => {
      const { locate } = new MmdbLocations([dataOf('GeoLite2-City-Test')]);
      const before = locate('81.2.69.160');
      for (let n = 0; n < 20_000; n++) locate(`10.0.${n >> 8}.${n & 255}`);
      expect(locate('81.2.69.160')).toEqual(before);
    });

    it('refuses a file that is cut off', () => {
      const whole = readFileSync(dataOf('GeoIP2-City-Test'));
      for (const share of [0.2, 0.5, 0.9])
        expect(
          codeOf(() => new MmdbLocations([written('cut.mmdb', whole.subarray(0, whole.length * share))])),
        ).toBe('invalid_configuration');
    });

    it('says once that a file is damaged, and knows nothing where it is', () => {
      const damaged = readFileSync(dataOf('GeoIP2-City-Test'));
      damaged.fill(0xff, damaged.length >> 1, damaged.length - 1000);
      const faults: string[] = [];
      const file = written('damaged.mmdb', damaged);
      const { locate } = new MmdbLocations([file], { onFault: (name) => faults.push(name) });
      const found = ['81.2.69.160', '2.125.160.216', '89.160.20.112', '2001:218::'].map(locate);
      expect(found.filter((one) => one === undefined).length).toBeGreaterThan(0);
      expect(faults).toEqual([file]);
    });
  },
);
