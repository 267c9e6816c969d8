// Verdicts that engines independent of this one agree on. Source of the data: see the README beside it.
import { describe, expect, it } from 'vitest';
import type { RuleEvent } from './event-fields.ts';
import { loadRules } from './load.ts';
import { type DetectionRule, parseRuleFile } from './rule-file.ts';
import { RuleSet } from './rule-set.ts';
import { isAbsent, records, texts } from './testing/corpus.ts';

interface RuleRecord {
  readonly id: string;
  readonly yaml: string;
}

/** Rules by id, planned together; of an id that stands twice, the last one. */
function planned(file: string): { readonly ids: readonly string[]; readonly set: RuleSet } {
  const rules = new Map(
    records<RuleRecord>(file).map(({ id, yaml }) => {
      const { documents, faults } = parseRuleFile(yaml);
      expect([id, faults]).toEqual([id, []]);
      return [id, documents[0] as DetectionRule];
    }),
  );
  return { ids: [...rules.keys()], set: new RuleSet([...rules.values()]) };
}

describe.skipIf(isAbsent)('third-party verdicts (skipped where the shared folder is absent)', () => {
  it('on events made from rules', () => {
    const { ids, set } = planned('04-sigmahq-rule-derived/rules.jsonl');
    interface Case {
      readonly id: string;
      readonly rule: string;
      readonly expected: boolean;
      readonly event: RuleEvent;
    }
    const wrong: string[] = [];
    let seen = 0;
    for (const { id, rule, expected, event } of records<Case>('04-sigmahq-rule-derived/cases.jsonl')) {
      seen++;
      if (set.matches(event, {}).includes(ids.indexOf(rule)) !== expected) wrong.push(id);
    }
    expect(seen).toBeGreaterThan(10_000);
    expect(wrong).toEqual([]);
  });

  it('on cloud audit events', () => {
    const { ids, set } = planned('02-sigmahq-cloud-x-events/rules.jsonl');
    interface Match {
      readonly rule: string;
      readonly event: string;
      readonly expected: boolean;
    }
    interface Event {
      readonly id: string;
      readonly event: RuleEvent;
      readonly sigma_aliases: RuleEvent;
    }
    const expected = records<Match>('02-sigmahq-cloud-x-events/matches.jsonl').filter(
      (match) => match.expected,
    );
    const found = records<Event>('02-sigmahq-cloud-x-events/events.jsonl').flatMap(
      ({ id, event, sigma_aliases }) =>
        set.matches({ ...event, ...sigma_aliases }, {}).map((number) => `${ids[number]} ${id}`),
    );
    expect(expected.length).toBeGreaterThan(300);
    expect(found.sort()).toEqual(expected.map(({ rule, event }) => `${rule} ${event}`).sort());
  });

  it.each(['rules', 'correlation', 'filter'])('on what the specification gives as examples: %s', (folder) => {
    const examples = texts(`08-sigma-spec/schema-examples/${folder}/`);
    expect(examples.length).toBeGreaterThan(0);
    for (const [name, text] of examples) {
      const messages = loadRules([{ name, text }])
        .faults.map(({ message }) => message)
        .filter((message) => !message.startsWith('there is no rule'));
      expect([name, messages]).toEqual([name, []]);
    }
  });
});
