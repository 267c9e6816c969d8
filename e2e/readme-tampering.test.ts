import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bin, type Outcome, startServing } from './support/command-line.ts';

const token = 'readme-test-admin-token-0123456789';
const readme = readFileSync(path.join(import.meta.dirname, '../README.md'), 'utf8');
/** The lines that the README has people type once the server is stopped. */
const lines = /^Stop the server.*?```sh\n(.*?)```/ms.exec(readme)![1]!;
const event = {
  action: 'user.login',
  outcome: 'failure',
  actor: { type: 'user', id: 'u_12' },
  source: { ip: '192.0.2.7' },
};

// BSD's sed takes `-i` another way.
describe.skipIf(process.platform !== 'linux')('what the README says about a changed byte', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-readme-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** Serves the folder, sends an event when asked to, and ends the server. */
  async function serve(signal: NodeJS.Signals, isSending: boolean): Promise<void> {
    const { command, url } = await startServing(['--data', path.join(dir, 'sealtrail-data'), '--port', '0'], {
      environment: { SEALTRAIL_ADMIN_TOKEN: token },
    });
    await using server = command;
    if (isSending) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const answer = await fetch(`${url}/v1/events`, {
        method: 'POST',
        headers,
        body: JSON.stringify(event),
      });
      expect(answer.status).toBe(201);
    }
    await server.end(signal);
  }

  /** Types the lines in a folder beside the data folder, where the command line is another one than in a clone. */
  function type(text: string): Promise<Outcome> {
    copyFileSync(
      path.join(dir, 'sealtrail-data/trust-policy.txt'),
      path.join(dir, 'my-copy-of-trust-policy.txt'),
    );
    const script = text.replaceAll('npm run sealtrail --', `'${process.execPath}' '${bin}'`);
    return new Promise((resolve) => {
      const child = execFile('sh', ['-c', script], { cwd: dir }, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode ?? undefined, stdout, stderr }),
      );
    });
  }

  it('is so once the server was stopped by Ctrl-C', async () => {
    await serve('SIGINT', true);
    const { code, stdout } = await type(lines);
    expect(stdout).toMatch(/^[1-9]\d*\n/);
    expect(stdout).toContain('main: modified, the first bad entry is 0');
    expect(code).toBe(1);
  });

  it('is so after a kill as well, once the server was started and stopped again', async () => {
    await serve('SIGKILL', true);
    const [look] = lines.split('\n');
    expect((await type(look!)).stdout).toBe('0\n');
    await serve('SIGINT', false);
    const { code, stdout } = await type(lines);
    expect(stdout).toMatch(/^[1-9]\d*\n/);
    expect(stdout).toContain('main: modified, the first bad entry is 0');
    expect(code).toBe(1);
  });
});
