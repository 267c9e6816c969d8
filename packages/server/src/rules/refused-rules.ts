import type { RuleReport } from '@sealtrail/core';
import type { RuleDocument, RuleFile } from '@sealtrail/core/sigma';

/** Events of all tests of a file: they are run where events are looked at. */
const maxTestEvents = 50_000;
/** What regular expressions of a file come to once their repetitions are written out, about, in characters. */
const maxPatternCost = 1_000_000;

/**
 * What is refused of a rule file that somebody adds, beyond what is wrong with it: what would take too long to try, and what
 * would silence rules of others. It is looked at before anything of it is compiled or run.
 */
export function refusedOf({ documents }: RuleFile): RuleReport['faults'] {
  const names = new Set(
    documents.flatMap(({ header }) => [header.id, header.name].filter((name) => name !== undefined)),
  );
  const faults: RuleReport['faults'] = [];
  const refuse = ({ position: { line, column } }: RuleDocument, message: string): void =>
    void faults.push({ line, column, message });
  for (const document of documents)
    if (
      document.kind === 'filter' &&
      (document.rules === 'any' || !document.rules.every((name) => names.has(name)))
    )
      refuse(
        document,
        'expected a filter for rules of the same file, by id or name: others are disabled, or silenced',
      );
  for (const document of documents)
    if (!(document.header.sealtrail?.inhibits ?? []).every((name) => names.has(name)))
      refuse(
        document,
        'expected under sealtrail.inhibits rules of the same file, by id or name: others are disabled, or silenced',
      );
  const [first] = documents;
  if (first === undefined) return faults;
  const events = documents
    .flatMap(({ header }) => header.sealtrail?.tests ?? [])
    .reduce(
      (sum, { event, events: listed = [] }) =>
        sum + (event === undefined ? 0 : 1) + listed.reduce((times, one) => times + one.times, 0),
      0,
    );
  if (events > maxTestEvents) refuse(first, `expected at most ${maxTestEvents} events in all tests together`);
  const cost = documents.reduce((sum, document) => sum + patternCost(document), 0);
  if (cost > maxPatternCost)
    refuse(first, 'expected regular expressions that are shorter, fewer or repeat less');
  return faults;
}

/** The regular expressions of a document: their lengths times what they repeat. */
function patternCost(document: RuleDocument): number {
  let cost = 0;
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    if ('op' in part && part.op === 're' && 'source' in part && typeof part.source === 'string') {
      const repeats = [...part.source.matchAll(/\{(\d+)(?:,(\d*))?\}/g)];
      const times = repeats.reduce((sum, [, least, most]) => sum + Number(most || least), 1);
      cost += part.source.length * times;
    }
    for (const member of part instanceof Map ? part.values() : Object.values(part)) visit(member);
  };
  visit('detection' in document ? document.detection : undefined);
  if (document.kind === 'filter') visit(document.identifiers);
  return cost;
}
