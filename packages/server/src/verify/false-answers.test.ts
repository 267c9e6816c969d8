import { existsSync } from 'node:fs';
import { decodeBundle, encodeBundle } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { codeOfPromise } from '../testing/code-of.ts';
import { type Falsify, FalsifyingServer } from './testing/served-log.ts';
import { failed, VerifiedLog } from './testing/verify-served.ts';

describe('answers that are false', () => {
  const log = new VerifiedLog('all');

  const bundle = (n: number) => (path_: string) => path_.startsWith(`/trails/main/tile/entries/00${n}`);
  const cases: readonly [string, Falsify, readonly string[]][] = [
    [
      'an entry changed',
      (p, body) => (bundle(0)(p) ? { body: reencode(body, (list) => list.with(7, list[8]!)) } : undefined),
      ['entries inserted_or_reordered 7', 'entries missing 7'],
    ],
    [
      'an entry left out',
      (p, body) => (bundle(1)(p) ? { body: reencode(body, (list) => list.toSpliced(9, 1)) } : undefined),
      ['entries inserted_or_reordered 265', 'entries missing 265'],
    ],
    [
      'the last entries left out',
      (p, body) => (bundle(2)(p) ? { body: reencode(body, (list) => list.slice(0, 100)) } : undefined),
      ['entries truncated 612'],
    ],
    [
      'entries added',
      (p, body) => (bundle(2)(p) ? { body: reencode(body, (list) => [...list, list[0]!]) } : undefined),
      ['entries unreadable 512'],
    ],
    ['no bundle', (p) => (bundle(1)(p) ? { status: 404 } : undefined), ['entries unreadable 256']],
    ['no hash tile', (p) => (p.includes('/tile/0/001') ? { status: 404 } : undefined), ['tiles missing 256']],
    [
      'a hash tile changed',
      (p, body) => (p.includes('/tile/0/001') ? { body: body.fill(1, 0, 32) } : undefined),
      ['tiles modified 256'],
    ],
    [
      'a checkpoint of another size',
      (p, body) =>
        p.endsWith('/checkpoint') ? { body: body.toString().replace('\n700\n', '\n699\n') } : undefined,
      ['checkpoints modified'],
    ],
    [
      'no checkpoint note',
      (p) => (p.endsWith('/checkpoint') ? { body: 'hello' } : undefined),
      ['checkpoints unreadable'],
    ],
    [
      'another key',
      (p, body) =>
        p === '/v1/trails'
          ? { body: body.toString().replace(/(main\+)[0-9a-f]{8}/, '$100000000') }
          : undefined,
      ['identity key_unknown'],
    ],
  ];
  it.each(cases)('%s: the verdict says so', async (_, falsify, expected) => {
    await using server = await FalsifyingServer.start(log.served.url, falsify);
    const verdict = await log.verify({ url: server.url });
    expect(failed(verdict)).toEqual(expect.arrayContaining([...expected]));
    expect(verdict.ok).toBe(false);
    expect(existsSync(log.rememberFile)).toBe(false);
  });

  it('under a checkpoint that no pinned key signed are not read at all', async () => {
    await using server = await FalsifyingServer.start(log.served.url);
    const verdict = await log.verify({ url: server.url, policyText: 'quorum none\n' });
    expect(verdict).toMatchObject({ ok: false, code: 'key_unknown', size: 0 });
    expect(failed(verdict)).toEqual(['identity key_unknown', 'checkpoints key_unknown']);
    expect(server.requests).toBeLessThan(5);
    expect(existsSync(log.rememberFile)).toBe(false);
  });
});

describe('answers without end', () => {
  const log = new VerifiedLog('each');

  it('are not read', async () => {
    await using silent = await FalsifyingServer.start(log.served.url, (p) =>
      p.includes('/tile/entries/') ? { status: 500 } : undefined,
    );
    await log.served.record(256 * 40);
    const verdict = await log.verify({ url: silent.url });
    expect(failed(verdict)).toContain('entries unreadable');
    expect(silent.requests).toBeLessThan(30);

    await using loud = await FalsifyingServer.start(log.served.url, (p) =>
      p.includes('/tile/entries/') ? { body: Buffer.alloc(40_000_000) } : undefined,
    );
    expect(failed(await log.verify({ url: loud.url }))).toContain('entries unreadable 0');
  });
});

describe('a server that does not let the log be read', () => {
  const log = new VerifiedLog('all');

  const token = (role: 'read', tenants: string[]): string =>
    log.served.engine.tokens.add(
      log.served.engine.tokens.make({ name: 'limited', role, trails: ['main'], tenants }),
    ).secret;

  it('is an error that says why, not a verdict', async () => {
    const code = (options: Parameters<typeof log.verify>[0]) => codeOfPromise(log.verify(options));
    expect(await code({ token: undefined })).toBe('unauthenticated');
    expect(await code({ token: 'stk_wrong_wrong_wrong' })).toBe('unauthenticated');
    expect(await code({ token: token('read', ['acme']) })).toBe('forbidden');
    expect(await code({ token: token('read', ['acme']), trail: 'system' })).toBe('trail_not_found');
    expect(await code({ trail: 'nothing' })).toBe('trail_not_found');
    expect(await code({ url: 'http://127.0.0.1:1' })).toBe('storage_unavailable');
    expect(await code({ url: 'file:///etc' })).toBe('invalid_configuration');
    expect(await code({ policyText: 'nothing' })).toBe('invalid_policy');
    expect(existsSync(log.rememberFile)).toBe(false);
    expect(await log.verify({ token: token('read', ['*']) })).toMatchObject({ ok: true });
  });

  it('or is none at all, or leads elsewhere', async () => {
    for (const [answer, code] of [
      [{ body: '<html>' }, 'not_found'],
      [{ body: '{"trails": 1}' }, 'not_found'],
      [{ body: '{"trails": [{"name": "main"}]}' }, 'trail_not_found'],
      [{ status: 302, location: 'http://elsewhere.invalid/' }, 'storage_unavailable'],
      [{ status: 503 }, 'storage_unavailable'],
    ] as const) {
      await using server = await FalsifyingServer.start(log.served.url, (p) =>
        p === '/v1/trails' ? answer : undefined,
      );
      expect(await codeOfPromise(log.verify({ url: server.url }))).toBe(code);
    }
  });
});

/** A bundle with other entries. */
function reencode(body: Buffer, change: (entries: Uint8Array[]) => Uint8Array[]): Uint8Array {
  return encodeBundle(change(decodeBundle(body)));
}
