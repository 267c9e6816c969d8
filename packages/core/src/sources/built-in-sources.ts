import type { SourcedEvent } from '../sigma/detector.ts';
import type { RuleEvent } from '../sigma/event-fields.ts';
import { builtInMappings } from './built-in-mappings.ts';
import { Source } from './source.ts';

let sources: ReadonlyMap<string, Source> | undefined;

/** The sources that there are, by name. Made when they are first asked for. */
export function builtInSources(): ReadonlyMap<string, Source> {
  sources ??= new Map(builtInMappings.map((mapping) => [mapping.name, new Source(mapping)]));
  return sources;
}

/** A source by its name, or by another name that people call it by. */
export function builtInSource(name: string): Source | undefined {
  const all = builtInSources();
  return all.get(name) ?? [...all.values()].find(({ aliases }) => aliases.includes(name));
}

/**
 * How rules for a product see an entry that was imported from it, beside how they see every entry: with the field names of
 * the original. Undefined for entries from elsewhere, and for those that only say that they are from a source.
 *
 * @param metadata that of the entry, which whoever reports events can choose
 */
export function sourceView(metadata: unknown): SourcedEvent | undefined {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return undefined;
  const { source } = metadata as RuleEvent;
  return typeof source === 'string'
    ? builtInSources()
        .get(source)
        ?.view(metadata as RuleEvent)
    : undefined;
}
