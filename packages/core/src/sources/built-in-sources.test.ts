import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { eventSchema } from '../event/event.ts';
import { builtInMappings } from './built-in-mappings.ts';
import { builtInSource, builtInSources, sourceView } from './built-in-sources.ts';
import { loadMapping } from './load-mapping.ts';

const folder = new URL('../../../../sources/', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, folder), 'utf8');
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.yml'))
  .sort();

/** A record or a line, and what becomes of it; of the event everything but the original. */
interface Fixture {
  readonly name: string;
  readonly record?: object;
  readonly line?: string;
  readonly id?: string;
  readonly event: object;
  readonly view?: object;
  readonly logsource?: object;
}

const fixtures = files.flatMap((file) =>
  (parse(read(`fixtures/${file}`)) as Fixture[]).map(
    (fixture) => [`${file}: ${fixture.name}`, file.slice(0, -'.yml'.length), fixture] as const,
  ),
);
/** Fixtures have lines without a year. */
const clock = { latestMs: Date.UTC(2026, 5, 30, 12), offsetMinutes: 0 };

describe('the mappings that Sealtrail brings along', () => {
  it('are those of the folder sources; where not, run scripts/embed-sources.mjs', () => {
    expect(builtInMappings).toEqual(files.map((file) => loadMapping(read(file))));
    for (const [i, file] of files.entries()) expect(`${builtInMappings[i]!.name}.yml`).toBe(file);
  });

  it('have names and other names of their own', () => {
    const names = [...builtInSources().values()].flatMap(({ name, aliases }) => [name, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    expect(builtInSource('nginx')).toBe(builtInSource('access-log'));
    expect(builtInSource('constructor')).toBeUndefined();
  });

  it('have fixtures, each of them several', () => {
    for (const file of files)
      expect(fixtures.filter(([name]) => name.startsWith(file)).length).toBeGreaterThanOrEqual(5);
  });

  it.each(fixtures)('%s', (_name, sourceName, fixture) => {
    const source = builtInSource(sourceName)!;
    const records = fixture.record && source.recordsIn(JSON.stringify(fixture.record));
    if (records) expect(records).toHaveLength(1);
    const mapped = records ? source.map(records[0]!) : source.mapLine(fixture.line!, 0, clock);
    if (mapped.is !== 'event') throw new Error('expected an event');
    const { original, ...metadata } = mapped.event.metadata!;
    expect({ ...mapped.event, metadata }).toEqual(fixture.event);
    expect(original).toEqual(records ? records[0] : fixture.line);
    expect(eventSchema.safeParse(mapped.event).error).toBeUndefined();
    if (fixture.id !== undefined) expect(mapped.identity).toBe(fixture.id);
    const view = sourceView(mapped.event.metadata)!;
    if (records) expect(view.event).toEqual(records[0]);
    else expect(view).toEqual({ event: fixture.view, logsource: fixture.logsource });
  });
});

describe('sourceView', () => {
  it.each([
    ['nothing', undefined],
    ['a text', 'okta'],
    ['no source', { original: { eventType: 'a' } }],
    ['another source', { source: 'constructor', original: {} }],
    ['an alias', { source: 'nginx', original: 'x' }],
    ['a source that is no text', { source: ['okta'], original: { eventType: 'a' } }],
    ['no original', { source: 'okta' }],
    ['an original of another kind', { source: 'okta', original: { action: 'a.b' } }],
    ['a list', { source: 'okta', original: [{ eventType: 'a' }] }],
    ['a line in the place of a record', { source: 'okta', original: 'x' }],
    ['a record in the place of a line', { source: 'syslog', original: { program: 'sshd' } }],
    ['a line that is none', { source: 'syslog', original: 'x' }],
    ['a line of another program', { source: 'syslog', original: 'Feb 12 14:10:21 h cron[1]: x' }],
    ['fields that are none', { source: 'syslog', originalFields: [] }],
    ['an access line that is none', { source: 'access-log', original: '2026/01/01 00:00:00 [error] x' }],
  ])('is nothing for %s', (_name, metadata) => {
    expect(sourceView(metadata)).toBeUndefined();
  });

  it('has the log source that Sigma has for the product', () => {
    expect([...builtInMappings].flatMap(({ kinds }) => kinds.map(({ logsource }) => logsource))).toEqual([
      { category: 'webserver', service: 'access' },
      { product: 'aws', service: 'cloudtrail' },
      { product: 'github', service: 'audit' },
      { product: 'okta', service: 'okta' },
      { product: 'linux', service: 'sshd' },
      { product: 'linux', service: 'sudo' },
    ]);
  });
});
