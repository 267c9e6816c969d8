import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventSchema } from '@sealtrail/core';
import {
  type LoadedCorrelation,
  type LoadedRule,
  lintRules,
  loadRules,
  runRuleTests,
} from '@sealtrail/core/sigma';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../rules', import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yml'))
  .sort();
const loaded = loadRules(
  files.map((file) => ({ name: file, text: readFileSync(path.join(folder, file), 'utf8') })),
);
type AnyRule = LoadedRule | LoadedCorrelation;
const rules: readonly AnyRule[] = [...loaded.rules, ...loaded.correlations];
const byKey = new Map(rules.map((rule) => [rule.key, rule]));

/** Names of rules of which something does not hold. */
const without = (holds: (header: AnyRule['document']['header']) => boolean): (string | undefined)[] =>
  rules.flatMap(({ key, document: { header } }) => (holds(header) ? [] : [header.name ?? key]));

/** Lint hints that are meant, by the name of the rule, with the reason. */
const meantHints: Readonly<Record<string, string>> = {
  okta_new_provider_used: 'the record of a provider and that of a sign-in name nothing that is the same',
};

/** What a rule is about; a correlation is about what the first rule below it is, and what is over all is about us. */
function productOf(rule: AnyRule): string | undefined {
  if ('detection' in rule) return rule.document.logsource.product;
  const [first] = rule.rules;
  return first === undefined ? 'sealtrail' : productOf(byKey.get(first)!);
}

describe('built-in rules', () => {
  it('load without faults, and are many', () => {
    expect(loaded.faults).toEqual([]);
    expect(rules.length).toBeGreaterThanOrEqual(90);
  });

  it('pass their own tests, and each has one that it matches and one that it does not', () => {
    const { passed, failures, untested } = runRuleTests(loaded);
    const named = failures.map((failure) => ({ ...failure, rule: nameOf(failure.rule) }));
    expect({ failures: named, untested: untested.map(nameOf) }).toEqual({ failures: [], untested: [] });
    expect(passed).toBeGreaterThanOrEqual(2 * rules.length);
  });

  it('have ids and names of their own', () => {
    const ids = rules.map(({ document }) => document.header.id);
    const names = rules.map(({ document }) => document.header.name);
    expect(new Set(ids).size).toBe(rules.length);
    expect(new Set(names).size).toBe(rules.length);
    const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    expect(without(({ id, name }) => uuidV4.test(id ?? '') && /^[a-z][a-z0-9_]*$/.test(name ?? ''))).toEqual(
      [],
    );
  });

  it('say what they find, where to read on, when they err and how much a finding weighs', () => {
    expect(without(({ level }) => level !== undefined)).toEqual([]);
    expect(without(({ status, date }) => status !== undefined && date !== undefined)).toEqual([]);
    expect(without(({ description = '' }) => description.length >= 40)).toEqual([]);
    expect(without(({ falsepositives = [] }) => falsepositives.length > 0)).toEqual([]);
    expect(without(({ sealtrail }) => sealtrail?.risk !== undefined)).toEqual([]);
    expect(
      without(
        ({ references = [] }) =>
          references.length > 0 &&
          references.every((reference) => reference.startsWith('https://')) &&
          new Set(references).size === references.length,
      ),
    ).toEqual([]);
  });

  it('name the tactic and the technique', () => {
    expect(without(({ tags = [] }) => tags.some((tag) => /^attack\.t\d{4}(?:\.\d{3})?$/.test(tag)))).toEqual(
      [],
    );
    expect(without(({ tags = [] }) => tags.some((tag) => /^attack\.[a-su-z][a-z-]+$/.test(tag)))).toEqual([]);
  });

  it('weigh as much as their level says', () => {
    const most = { informational: 5, low: 20, medium: 40, high: 60, critical: 100 };
    expect(without(({ level = 'medium', sealtrail }) => (sealtrail?.risk ?? 101) <= most[level])).toEqual([]);
  });

  it('leave no lint hint that is not meant', () => {
    const hints = lintRules(loaded).filter(({ rule }) => meantHints[nameOf(rule) ?? ''] === undefined);
    expect(hints.map(({ rule, message }) => `${nameOf(rule)}: ${message}`)).toEqual([]);
  });

  it('are tried with events that an application can report', () => {
    const strangers: string[] = [];
    for (const rule of rules) {
      if (productOf(rule) !== 'sealtrail') continue;
      for (const test of rule.document.header.sealtrail?.tests ?? []) {
        const events = [...(test.event ? [{ event: test.event }] : []), ...(test.events ?? [])];
        for (const { event, ...times } of events) {
          const { success, error } = eventSchema.safeParse(
            whole(event, 'vary' in times ? times.vary : undefined),
          );
          if (!success)
            strangers.push(`${rule.document.header.name}, ${test.name}: ${error.issues[0]?.path.join('.')}`);
        }
      }
    }
    expect(strangers).toEqual([]);
  });
});

function nameOf(key: string): string | undefined {
  return byKey.get(key)?.document.header.name ?? key;
}

/** An address that is varied is one only with the number behind it. */
function whole(event: Readonly<Record<string, unknown>>, vary: string | undefined): unknown {
  const { source } = event as { readonly source?: { readonly ip?: string } };
  return vary === 'source.ip' ? { ...event, source: { ...source, ip: `${source?.ip}0` } } : event;
}
