// The tasks behind the npm scripts; runs under the pinned Node (see run.mjs).
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChild } from './run-child.mjs';
import { shipRules } from './ship-rules.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const bin = (packageName, file) => path.join(root, 'node_modules', packageName, file);

/** Runs a script under this Node; ends this process with its status when it fails. */
async function node(...args) {
  const status = await runChild(process.execPath, args, { cwd: root });
  if (status !== 0) process.exit(status);
}

async function build() {
  await node(bin('typescript', 'bin/tsc'), '--build');
  await shipRules(root);
}
const lint = () => node(bin('@biomejs/biome', 'bin/biome'), 'check', '--error-on-warnings');
const vitest = (...args) => node(bin('vitest', 'vitest.mjs'), 'run', ...args);
const sealtrail = (...args) => node(path.join(root, 'packages/server/bin/sealtrail.mjs'), ...args);

/** Folders whose branches are counted. */
const covered = ['tree', 'checkpoint', 'verify'].map((name) => `packages/core/src/${name}`);

const tasks = {
  build,
  lint,
  format: () => node(bin('@biomejs/biome', 'bin/biome'), 'check', '--write'),
  async start(...args) {
    await build();
    await sealtrail('serve', '--data', path.join(root, 'sealtrail-data'), ...args);
  },
  async demo(...args) {
    await build();
    await sealtrail('demo', ...args);
  },
  async sealtrail(...args) {
    await build();
    await sealtrail(...args);
  },
  async test(...args) {
    // Hundreds of processes that the tests start read the same code.
    process.env.NODE_COMPILE_CACHE ??= path.join(root, '.build/compile-cache');
    await build();
    if (args.length > 0) {
      await vitest(...args);
      return;
    }
    await lint();
    // What verification rests on is covered to the last branch by its own tests; counting slows all others down.
    await vitest('--coverage', ...covered);
    await vitest(...covered.flatMap((folder) => ['--exclude', `${folder}/**`]));
  },
  /** Writes a page of the documentation out of measurements. */
  async report(name) {
    await build();
    await node(path.join(root, `scripts/reports/${name}.ts`));
  },
  async bench(...args) {
    await build();
    // These are run by name: the others are parts of `run`.
    const isNamed = ['trails', 'detect', 'alerts', 'deliver'].includes(args[0]);
    const [file, rest] = isNamed ? [args[0], args.slice(1)] : ['run', args];
    await node('--expose-gc', path.join(root, `bench/${file}.ts`), ...rest);
  },
};

const [name, ...args] = process.argv.slice(2);
const task = Object.hasOwn(tasks, name ?? '') ? tasks[name] : undefined;
if (!task) {
  console.error(`unknown task: ${name}. Tasks: ${Object.keys(tasks).join(', ')}`);
  process.exit(2);
}
await task(...args);
