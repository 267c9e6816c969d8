import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { codeOfPromise } from '../testing/code-of.ts';
import { RuleTrials } from './rule-trials.ts';
import { shippedRulesFolder } from './shipped-rules.ts';

const start = (): Worker =>
  new Worker(new URL('../threads/trial-thread.ts', import.meta.url), {
    workerData: { rules: shippedRulesFolder() },
  });

/** A rule whose tests take many events. */
const rule = (times: number): string => `
title: Sample
name: sample
logsource: {product: sealtrail}
detection: {selection: {action: sample.act}, condition: selection}
---
title: Many
name: many
correlation: {type: value_count, rules: [sample], group-by: [actor.id], timespan: 1d, condition: {field: source.ip, gte: 2}}
sealtrail:
  tests:
    - {name: same, match: false, events: [{event: {action: sample.act, actor: {id: u}, source: {ip: a}}, times: ${times}}]}
    - {name: other, match: true, events: [{event: {action: sample.act, actor: {id: u}}}]}
`;
const others = [
  {
    name: 'others.yml',
    text: rule(1)
      .replace(/name: (sample|many)/g, 'name: other_$1')
      .replace('[sample]', '[other_sample]'),
  },
];

it('tells what there is to say of a rule file, and what comes of tests', async () => {
  await using trials = new RuleTrials(start);
  const report = await trials.report(others, rule(2), undefined);
  expect(report).toMatchObject({
    rules: ['sample', 'many'],
    faults: [],
    failedTests: [{ rule: 'many', test: 'other', expected: true }],
    untested: ['sample'],
  });
  expect(await trials.test(others, 'other_many')).toEqual({
    failedTests: [{ rule: 'other_many', test: 'other', expected: true }],
    untested: [],
  });
});

it('ends what takes too long, and goes on with the next', async () => {
  await using trials = new RuleTrials(start, 1);
  expect(await codeOfPromise(trials.report(others, rule(49_000), undefined))).toBe('invalid_rule');
  expect(await codeOfPromise(trials.test(others, 'other_many'))).toBe('invalid_rule');
});

it('starts another thread where the one that was kept has ended', async () => {
  const workers: Worker[] = [];
  await using trials = new RuleTrials(() => {
    workers.push(start());
    return workers.at(-1)!;
  });
  await trials.test(others, 'other_many');
  await trials.test(others, 'other_many');
  expect(workers).toHaveLength(1);
  await workers[0]!.terminate();
  expect((await trials.test(others, 'other_many')).untested).toEqual([]);
  expect(workers).toHaveLength(2);
});

it('lets some wait, and refuses more', async () => {
  await using trials = new RuleTrials(start);
  const asked = Array.from({ length: 10 }, () =>
    trials.test(others, 'other_many').then(() => 'done', codeOf),
  );
  const answers = await Promise.all(asked);
  expect(answers.filter((answer) => answer === 'done')).toHaveLength(9);
  expect(answers.at(-1)).toBe('overloaded');
});

it('ends with the server', async () => {
  const trials = new RuleTrials(start);
  const running = codeOfPromise(trials.report(others, rule(49_000), undefined));
  await trials[Symbol.asyncDispose]();
  expect(await running).toBe('shutting_down');
  expect(await codeOfPromise(trials.test(others, 'other_many'))).toBe('shutting_down');
});

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
