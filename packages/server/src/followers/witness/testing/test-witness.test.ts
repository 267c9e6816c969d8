import { existsSync, readFileSync } from 'node:fs';
import { formatVkey, keyTypes } from '@sealtrail/core';
import { expect, it } from 'vitest';
import { TestWitness } from './test-witness.ts';

const sharedCases = new URL(
  '../shared/vectors/tlog/witness-add-checkpoint.json',
  new URL('../../../../../../', import.meta.url),
);

interface Cases {
  readonly logOrigin: string;
  readonly logPublicKeyHex: string;
  readonly exampleWitnessSeedHex: string;
  readonly cases: {
    readonly name: string;
    readonly requestBody: string;
    readonly wantStatus: number;
    readonly sourceWantBodyContains: string;
  }[];
}

it.skipIf(!existsSync(sharedCases))(
  'the witness of the tests answers as that of another implementation does (skipped where the shared folder is absent)',
  async () => {
    const { logOrigin, logPublicKeyHex, exampleWitnessSeedHex, cases } = JSON.parse(
      readFileSync(sharedCases, 'utf8'),
    ) as Cases;
    await using witness = await TestWitness.start(
      'example.com/witness',
      Buffer.from(exampleWitnessSeedHex, 'hex'),
    );
    const publicKey = new Uint8Array(Buffer.from(logPublicKeyHex, 'hex'));
    witness.knows(formatVkey({ name: logOrigin, type: keyTypes.ed25519, publicKey }));
    for (const { name, requestBody, wantStatus, sourceWantBodyContains } of cases) {
      const answer = await fetch(`${witness.url}/add-checkpoint`, { method: 'POST', body: requestBody });
      const text = await answer.text();
      expect(answer.status, name).toBe(wantStatus);
      if (wantStatus === 409) {
        expect(answer.headers.get('content-type')).toBe('text/x.tlog.size');
        expect(text).toBe(sourceWantBodyContains);
      }
      if (wantStatus === 200) expect(text).toContain(sourceWantBodyContains);
    }
  },
);
