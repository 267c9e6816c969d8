import type { Entry } from '@sealtrail/core';
import type { LogReader } from '../../ports.ts';
import type { Parties } from '../alert/alert-book.ts';

const text = new TextDecoder();

/** Whom entries of a trail tell of: actors by id, and addresses. */
export function partiesOf(reader: LogReader, trail: string, entries: readonly number[]): Parties {
  const actors = new Set<string>();
  const addresses = new Set<string>();
  for (const index of entries) {
    const [bytes] = reader.entries(trail, index, index + 1);
    if (bytes === undefined) continue;
    const { actor, source } = JSON.parse(text.decode(bytes)) as Entry;
    if (actor?.id !== undefined) actors.add(actor.id);
    if (source?.ip !== undefined) addresses.add(source.ip);
  }
  return { actors: [...actors], addresses: [...addresses] };
}
