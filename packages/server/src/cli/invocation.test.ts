import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { invocation } from './invocation.ts';

const packaged = pathToFileURL(path.resolve('/srv/app/node_modules/sealtrail/dist/cli/invocation.js')).href;

describe('how people start the command line', () => {
  it('is by npm from the root of a clone', () => {
    const module = pathToFileURL(
      path.resolve('/home/me/sealtrail/packages/server/dist/cli/invocation.js'),
    ).href;
    expect(invocation({}, module)).toEqual({
      command: 'npm run -s sealtrail --',
      folder: path.resolve('/home/me/sealtrail'),
    });
  });

  it('is by npx where it is a dependency, whatever npm itself has on its PATH', () => {
    const bin = mkdtempSync(path.join(tmpdir(), 'sealtrail-path-'));
    writeFileSync(path.join(bin, 'sealtrail'), '');
    expect(invocation({}, packaged)).toEqual({ command: 'npx sealtrail' });
    expect(invocation({ PATH: `/nowhere${path.delimiter}${bin}`, npm_command: 'exec' }, packaged)).toEqual({
      command: 'npx sealtrail',
    });
    expect(invocation({ PATH: `/nowhere${path.delimiter}${bin}` }, packaged)).toEqual({
      command: 'sealtrail',
    });
    rmSync(bin, { recursive: true });
  });
});
