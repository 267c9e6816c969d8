import { existsSync } from 'node:fs';
import path from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import {
  canonicalJson,
  decodeBundle,
  encodeBundle,
  type JsonValue,
  parsePolicy,
  verifyEntry,
} from '@sealtrail/core';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { adminToken, FalsifyingServer, ServedLog } from './testing/served-log.ts';
import { failed, VerifiedLog } from './testing/verify-served.ts';

describe('a server that is honest', () => {
  const log = new VerifiedLog('each');

  it('is remembered, and found to have grown the next time', async () => {
    const first = await log.verify();
    expect(failed(first)).toEqual([]);
    expect(first).toMatchObject({ size: 700, coveredSize: 700, assurance: { selfSigned: true } });
    expect(first.checks.find(({ check }) => check === 'remembered')?.status).toBe('skipped');
    const seen = log.remembered;
    expect(Object.keys(seen)).toEqual([`${log.served.url}/trails/main`]);

    await log.served.record(77);
    const progress: [number, number][] = [];
    const second = await log.verify({ onProgress: (...step) => progress.push(step) });
    expect(failed(second)).toEqual([]);
    expect(second.size).toBe(777);
    expect(second.checks.find(({ check }) => check === 'remembered')?.status).toBe('passed');
    expect(log.remembered).not.toEqual(seen);
    expect(progress).toEqual([256, 512, 768, 777].map((done) => [done, 777]));
  });

  it('may have a trail without entries, and many trails', async () => {
    await log.served.engine.log.createTrail('empty');
    expect(await log.verify({ trail: 'empty' })).toMatchObject({ ok: true, size: 0 });
    expect(await log.verify({ trail: 'system' })).toMatchObject({ ok: true });
    expect(Object.keys(log.remembered).map((key) => key.split('/').at(-1))).toEqual(['empty', 'system']);
  });

  it('gives proofs that verify offline, against the canonical bytes of the event', async () => {
    const [id] = await log.served.record(1);
    const get = async (path_: string): Promise<string> => {
      const response = await fetch(`${log.served.url}/v1/events/${id}${path_}`, {
        headers: { authorization: `Bearer ${adminToken}` },
      });
      return response.text();
    };
    const { index, entry } = JSON.parse(await get('')) as { index: number; entry: Record<string, JsonValue> };
    const proof = await get('/proof');
    const policy = parsePolicy(log.served.policy);
    const bytes = Buffer.from(canonicalJson(entry));
    const good = verifyEntry(bytes, proof, { policy });
    expect(good).toMatchObject({ ok: true, origin: 'audit.example/main', index: 700 });
    expect(index).toBe(700);

    const other = Buffer.from(canonicalJson({ ...entry, outcome: 'denied' }));
    expect(verifyEntry(other, proof, { policy })).toMatchObject({ ok: false, code: 'modified' });
    const moved = proof.replace('index 700', 'index 699');
    expect(moved).not.toBe(proof);
    expect(verifyEntry(bytes, moved, { policy })).toMatchObject({ ok: false, code: 'modified' });
    const nobody = parsePolicy('quorum none\n');
    expect(verifyEntry(bytes, proof, { policy: nobody })).toMatchObject({ ok: false, code: 'key_unknown' });
  });
});

describe('a server that was tampered with', () => {
  const log = new VerifiedLog('each');

  it('is caught when it was set back', async () => {
    const older = log.path('older');
    await log.served.copyTo(older);
    await log.served.record(50);
    expect(failed(await log.verify())).toEqual([]);
    const seen = log.remembered;
    await log.served.stop();
    await log.served.start(older);
    const verdict = await log.verify();
    expect(verdict).toMatchObject({ ok: false, code: 'rolled_back' });
    expect(failed(verdict)).toEqual(['remembered rolled_back 700']);
    expect(log.remembered).toEqual(seen);
  });

  it.each([50, 51])('is caught when it shows another history, %i entries long', async (count) => {
    const fork = log.path('fork');
    await log.served.copyTo(fork);
    await log.served.record(50);
    expect(failed(await log.verify())).toEqual([]);
    await log.served.stop();
    await log.served.start(fork);
    await log.served.record(count);
    const verdict = await log.verify();
    expect(verdict).toMatchObject({ ok: false, code: 'forked' });
    expect(failed(verdict)).toEqual(['remembered forked']);
  });

  it('is caught when an entry was changed, by its index', async () => {
    await log.served.stop();
    const db = new Database(path.join(log.served.dir, 'log.db'));
    const row = db.prepare('SELECT data FROM bundle WHERE trail = 1 AND n = 1').pluck().get() as Buffer;
    const entries = decodeBundle(zstdDecompressSync(row));
    const text = Buffer.from(entries[44]!).toString().replace('user.login', 'user.logon');
    const data = zstdCompressSync(encodeBundle(entries.with(44, Buffer.from(text))));
    db.prepare('UPDATE bundle SET data = ? WHERE trail = 1 AND n = 1').run(data);
    db.close();
    await log.served.start();
    expect(failed(await log.verify())).toEqual(['entries modified 300']);
    expect(existsSync(log.rememberFile)).toBe(false);
  });

  it('is caught when it answers with another log that the policy knows', async () => {
    await using other = new ServedLog(log.path('other'), 'other.example');
    await other.start();
    await other.record(10);
    const policyText = `${log.served.policy}${other.policy.replace('quorum none', '')}`;
    await using server = await FalsifyingServer.start(log.served.url);
    const { url } = server;
    expect(await log.verify({ policyText, url })).toMatchObject({ ok: true, origin: 'audit.example/main' });
    server.upstream = other.url;
    expect(failed(await log.verify({ policyText, url }))).toEqual(['remembered modified']);
  });
});
