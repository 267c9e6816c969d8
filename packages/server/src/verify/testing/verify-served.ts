import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { TrailVerdict } from '@sealtrail/core';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { RemoteLog } from '../../adapters/http/remote-log.ts';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { type VerifyRemoteOptions, verifyRemote } from '../verify-remote.ts';
import { adminToken, ServedLog } from './served-log.ts';

/** Entries of `main` at first. */
export const SIZE = 700;

/** A served log for the tests of a suite, and a verifier who remembers nothing at first. */
export class VerifiedLog {
  #folder: ReturnType<typeof temporaryFolder> | undefined;
  #served: ServedLog | undefined;
  rememberFile = '';

  /** @param scope 'all': tests of the suite share the log, and do not change it */
  constructor(scope: 'each' | 'all') {
    const [before, after] = scope === 'each' ? [beforeEach, afterEach] : [beforeAll, afterAll];
    before(async () => {
      this.#folder = temporaryFolder();
      this.#served = new ServedLog(this.path('data'));
      await this.served.start();
      await this.served.record(SIZE);
    });
    beforeEach(() => {
      this.rememberFile = this.path(`${randomUUID()}.json`);
    });
    after(async () => {
      await this.served.stop();
      this.#folder![Symbol.dispose]();
    });
  }

  get served(): ServedLog {
    return this.#served!;
  }

  /** A place in the folder of the suite. */
  path(name: string): string {
    return path.join(this.#folder!.dir, name);
  }

  get remembered(): Record<string, string> {
    return JSON.parse(readFileSync(this.rememberFile, 'utf8'));
  }

  /** Verifies the trail `main` with the admin's token and the right policy, unless told otherwise. */
  verify(options: Partial<VerifyRemoteOptions> & Partial<RemoteLog> = {}): Promise<TrailVerdict> {
    const { url = this.served.url, timeoutMs, ...rest } = options;
    return verifyRemote({
      remote: {
        url,
        token: 'token' in options ? options.token : adminToken,
        ...(timeoutMs !== undefined && { timeoutMs }),
      },
      trail: 'main',
      policyText: this.served.policy,
      rememberFile: this.rememberFile,
      ...rest,
    });
  }
}

/** The failed checks of a verdict: `<check> <code>[ <first index>]`. */
export const failed = ({ checks }: TrailVerdict): string[] =>
  checks
    .filter(({ status }) => status === 'failed')
    .map(({ check, code, firstIndex }) => [check, code, firstIndex ?? ''].join(' ').trim());
