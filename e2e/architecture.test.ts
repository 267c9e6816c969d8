import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const packages = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'packages');

interface Import {
  /** A file, from `packages/` on, or the name of a package. */
  readonly to: string;
  readonly isType: boolean;
}

/** Files of the product, from `packages/` on, and what they import. */
const graph: ReadonlyMap<string, readonly Import[]> = new Map(
  ['core', 'server', 'client'].flatMap((name) =>
    readdirSync(path.join(packages, name, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !/\.test\.ts$|(?:^|\/)testing\//.test(file))
      .map((file): [string, Import[]] => {
        const from = path.posix.join(name, 'src', file.replaceAll(path.sep, '/'));
        return [from, importsOf(from, readFileSync(path.join(packages, from), 'utf8'))];
      }),
  ),
);

function importsOf(from: string, text: string): Import[] {
  const statement = /^(?:import|export)\s+(type\s+)?(?:[^;'"]*?\sfrom\s+)?'([^']+)';/gms;
  return Array.from(text.matchAll(statement), ([, type, to]) => ({
    to: to!.startsWith('.') ? path.posix.join(path.posix.dirname(from), to!) : to!,
    isType: type !== undefined,
  }));
}

/** Imports from files under some folders to what a test names, as `from -> to`. */
function imports(folders: readonly string[], isForbidden: (to: string, from: string) => boolean): string[] {
  return [...graph].flatMap(([from, list]) =>
    folders.some((folder) => from.startsWith(folder))
      ? list.filter(({ to }) => isForbidden(to, from)).map(({ to }) => `${from} -> ${to}`)
      : [],
  );
}

const within = (to: string, ...folders: readonly string[]): boolean =>
  folders.some((folder) => to === folder || to.startsWith(`${folder}/`));

describe('the import graph', () => {
  it('is read at all', () => {
    expect(graph.size).toBeGreaterThan(150);
    expect(imports(['core/src/event/parse.ts'], () => true)).toContain(
      'core/src/event/parse.ts -> core/src/event/event.ts',
    );
    for (const list of graph.values())
      for (const { to } of list) if (to.endsWith('.ts')) expect(graph.has(to), to).toBe(true);
  });

  it('has no circles', () => {
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, trace: readonly string[]): void => {
      if (trace.includes(file)) {
        circles.push([...trace.slice(trace.indexOf(file)), file].join(' -> '));
        return;
      }
      if (done.has(file)) return;
      for (const { to, isType } of graph.get(file) ?? [])
        if (!isType && graph.has(to)) visit(to, [...trace, file]);
      done.add(file);
    };
    for (const file of graph.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });

  it('leads from core to no other package of ours and to nothing of Node', () => {
    expect(
      imports(
        ['core/'],
        (to) => isBuiltin(to) || within(to, '@sealtrail', 'sealtrail') || to.startsWith('..'),
      ),
    ).toEqual([]);
  });

  it('leads from tree, checkpoint and verify to audited hashes and curves only', () => {
    const rooms = ['core/src/tree', 'core/src/checkpoint', 'core/src/verify'];
    expect(
      imports(rooms, (to) => !within(to, ...rooms, 'core/src/errors.ts', '@noble/hashes', '@noble/curves')),
    ).toEqual([]);
  });

  it('leads from the client to core alone', () => {
    expect(imports(['client/'], (to) => within(to, 'sealtrail', 'server'))).toEqual([]);
  });

  it('leads from adapters to ports, core and the wire format of none but their own folder', () => {
    const adapters = 'server/src/adapters';
    const folderOf = (file: string): string => file.split('/').slice(0, 4).join('/');
    expect(
      imports([`${adapters}/`], (to, from) => {
        if (!to.startsWith('server/')) return false;
        if (
          within(
            to,
            'server/src/ports.ts',
            'server/src/detection-ports.ts',
            'server/src/channel-ports.ts',
            'server/src/resources.ts',
          )
        )
          return false;
        // What stands in no folder is a primitive, such as the hash of OpenSSL.
        const isPrimitive = to.startsWith(`${adapters}/`) && to.split('/').length === 4;
        return folderOf(to) !== folderOf(from) && !isPrimitive;
      }),
    ).toEqual([]);
  });

  it('leads from routes, commands, ingest and followers to no adapter', () => {
    const rooms = ['server/src/http/', 'server/src/cli/', 'server/src/ingest/', 'server/src/followers/'];
    expect(imports(rooms, (to) => within(to, 'server/src/adapters'))).toEqual([]);
  });

  it('leads to the sequencer from the log thread alone: nobody else appends', () => {
    expect(
      imports(
        ['server/'],
        (to, from) => to.endsWith('sequencer/sequencer.ts') && !from.includes('/sequencer/'),
      ),
    ).toEqual(['server/src/threads/log-thread.ts -> server/src/sequencer/sequencer.ts']);
  });
});

describe('core', () => {
  it('has no clock, no randomness, no network and no environment of its own', () => {
    const impure =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bglobalThis\b|\bfetch\(|\bset(?:Timeout|Interval)\(|\bperformance\.|\bcrypto\.|\bconsole\./;
    const found = [...graph.keys()].flatMap((file) => {
      if (!file.startsWith('core/')) return [];
      const code = readFileSync(path.join(packages, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      const match = impure.exec(code);
      return match ? [`${file}: ${match[0]}`] : [];
    });
    expect(found).toEqual([]);
  });
});
