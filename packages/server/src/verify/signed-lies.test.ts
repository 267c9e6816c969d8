import { encodeBundle } from '@sealtrail/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { entriesOf, ForgedLog } from './testing/forged-log.ts';
import { adminToken, type Falsify, FalsifyingServer } from './testing/served-log.ts';
import { failed, SIZE, VerifiedLog } from './testing/verify-served.ts';

/** What whoever has the key of the trail can make its server say. */
describe('a server that signs what it makes up', () => {
  const log = new VerifiedLog('all');
  let entries: Uint8Array[] = [];
  let others: Uint8Array[] = [];
  beforeAll(async () => {
    await log.served.engine.log.createTrail('other');
    await log.served.record(SIZE, { trail: 'other' });
    entries = await entriesOf(log.served, adminToken);
    others = await entriesOf(log.served, adminToken, 'other');
  });

  const verdictOn = async (...falsify: Falsify[]) => {
    await using server = await FalsifyingServer.start(log.served.url, (path_, body) => {
      for (const each of falsify) {
        const answer = each(path_, body);
        if (answer !== undefined) return answer;
      }
      return undefined;
    });
    const verdict = await log.verify({ url: server.url });
    return { verdict, requests: server.requests };
  };
  const forged = (...args: [Uint8Array[], ConstructorParameters<typeof ForgedLog>[2]?]): Falsify =>
    new ForgedLog(log.served, ...args).falsify;
  const at =
    (path_: string, body: (true_: Buffer) => Uint8Array): Falsify =>
    (asked, true_) =>
      asked.startsWith(`/trails/main/${path_}`) ? { body: body(true_) } : undefined;

  it('is believed as long as everything agrees: the test itself', async () => {
    const { verdict } = await verdictOn(forged(entries));
    expect([failed(verdict), verdict.size]).toEqual([[], SIZE]);
  });

  const cases: readonly [string, () => Falsify[], readonly string[]][] = [
    [
      'a root that is of no entries',
      () => [forged(entries, { root: new Uint8Array(32).fill(7) })],
      ['checkpoints modified'],
    ],
    [
      'fewer entries than it signs',
      () => [forged(entries.slice(0, 600), { size: SIZE })],
      ['entries truncated 600'],
    ],
    [
      'a hash tile above the leaves that contradicts them',
      () => [at('tile/1/', (tile) => tile.fill(7, 32, 64))],
      ['tiles modified 256'],
    ],
    [
      'all tiles of another log',
      () => [(path_, body) => (/tile\/\d/.test(path_) ? forged(others)(path_, body) : undefined)],
      ['tiles modified 0'],
    ],
    ['a tile of half a hash', () => [at('tile/0/001', (tile) => tile.subarray(0, 31))], ['tiles unreadable']],
    [
      'a tile of too many hashes',
      () => [at('tile/0/001', (tile) => Buffer.concat([tile, tile]))],
      ['tiles unreadable'],
    ],
    [
      'a bundle of another trail',
      () => [at('tile/entries/001', () => bundleOf(others, 1))],
      ['entries modified 256'],
    ],
    [
      'a bundle of another trail, signed as its own',
      () => [forged([...entries.slice(0, 256), ...others.slice(256, 512), ...entries.slice(512)])],
      ['content inserted_or_reordered 256'],
    ],
    [
      'all entries of another trail, signed as its own',
      () => [forged(others)],
      ['content inserted_or_reordered 0'],
    ],
    [
      'entries in another order, signed',
      () => [forged([...entries.slice(1), entries[0]!])],
      ['content inserted_or_reordered 699'],
    ],
    [
      'what is no entry, signed',
      () => [forged(entries.with(5, Buffer.from('{"id":1}')))],
      ['content unreadable 5'],
    ],
  ];
  it.each(cases)('%s: is caught', async (_, falsify, expected) => {
    const { verdict } = await verdictOn(...falsify());
    expect(failed(verdict)).toEqual(expect.arrayContaining([...expected]));
    expect(verdict.ok).toBe(false);
  });

  it.each([
    ['with nothing behind it', () => ({ status: 404 })],
    ['with empty bundles behind it', () => ({ status: 200, body: '' })],
    ['with bundles of one entry behind it', () => ({ status: 200, body: bundleOf(entries, 0, 1) })],
  ] as const)('a size without end, %s: is not followed', async (_, answer) => {
    const claimed = forged(entries.slice(0, 512), { size: Number.MAX_SAFE_INTEGER });
    const { verdict, requests } = await verdictOn(
      (path_) => (/entries\/(?!00[01]$)/.test(path_) ? answer() : undefined),
      claimed,
    );
    expect(verdict.ok).toBe(false);
    expect(requests).toBeLessThan(50);
  });

  it('an empty trail in the place of another one, as if it were that: is caught', async () => {
    await log.served.engine.log.createTrail('empty');
    const { policy } = log.served;
    const asMain: Falsify = (path_, body) =>
      path_ === '/v1/trails' ? { body: body.toString().replaceAll(/"(main|empty)"/g, swapped) } : undefined;
    const elsewhere = `${log.served.url}/trails/empty/checkpoint`;
    const headers = { authorization: `Bearer ${adminToken}` };
    const note = await (await fetch(elsewhere, { headers })).text();
    await using server = await FalsifyingServer.start(log.served.url, (path_, body) =>
      path_ === '/trails/main/checkpoint' ? { body: note } : asMain(path_, body),
    );
    for (const policyText of [policy, policy.replace(/^log .*\/main\+.*\n/m, '')]) {
      const verdict = await log.verify({ url: server.url, policyText });
      expect(verdict.ok).toBe(false);
      expect(failed(verdict)).toContain('identity key_unknown');
    }
  });

  it('nothing any more, after it was seen with something: is caught', async () => {
    let falsify: Falsify = () => undefined;
    await using server = await FalsifyingServer.start(log.served.url, (...answer) => falsify(...answer));
    expect(failed(await log.verify({ url: server.url }))).toEqual([]);
    falsify = forged([]);
    expect(failed(await log.verify({ url: server.url }))).toEqual([`remembered rolled_back 0`]);
  });
});

const swapped = (_: string, name: string): string => (name === 'main' ? '"empty"' : '"main"');

/** The first entries of a bundle as a bundle. */
function bundleOf(entries: readonly Uint8Array[], n: number, count = 256): Uint8Array {
  return encodeBundle(entries.slice(n * 256, n * 256 + count));
}
