import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

it('npm start ends its server when it is told to end, though npm passes no signal on', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-npm-'));
  // As a service manager starts it: no terminal, and a signal to this one process.
  const npm = spawn('npm', ['start', '--', '--data', dir, '--port', '0'], { cwd: root, stdio: 'pipe' });
  try {
    let output = '';
    npm.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    while (!/listens on (http:\/\/\S+)/.test(output))
      await Promise.race([once(npm.stdout, 'data'), once(npm, 'exit')]);
    const [, url] = /listens on (http:\/\/\S+)/.exec(output)!;
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    npm.kill('SIGTERM');
    await once(npm, 'exit');
    const isServed = (): Promise<boolean> =>
      fetch(`${url}/healthz`).then(
        () => true,
        () => false,
      );
    while (await isServed()) await sleep(50);
  } finally {
    npm.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true, maxRetries: 20 });
  }
});
