// npm run bench -- detect: detection on one thread, each row beside its limit in the same run. Rules and events of third
// parties are read from the folder `shared` beside the project; rows that need them are left out where it is absent.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import {
  CompiledRules,
  Detector,
  type DetectorInput,
  type EventSource,
  type LoadedRules,
  loadRules,
  type RuleEvent,
} from '@sealtrail/core/sigma';
import { compileNaive } from '../packages/core/dist/sigma/naive.js';
import { inputOf } from '../packages/server/dist/followers/detect/entry-views.js';
import { everydayEvent, median } from './events.ts';

const corpus = new URL('../../shared/corpus/', import.meta.url);
const runs = 3;

const records = <T>(file: string): T[] =>
  readFileSync(new URL(file, corpus), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}; medians of ${runs} runs`);

interface Sample {
  readonly event: RuleEvent;
  readonly logsource: EventSource;
}

/** Events a second of some work, median of several runs; each does so many events in all. */
function measure(
  samples: readonly Sample[],
  total: number,
  work: (sample: Sample, index: number) => void,
): number {
  const rates: number[] = [];
  for (let run = 0; run < runs; run++) {
    const startMs = performance.now();
    for (let i = 0; i < total; i++) work(samples[i % samples.length]!, i);
    rates.push((total / (performance.now() - startMs)) * 1000);
  }
  return median(rates);
}

function show(what: string, value: number, limit: string, rest = ''): void {
  console.log(
    `${what.padEnd(58)} ${`${Math.round(value).toLocaleString('en')}/s`.padStart(12)}   ${limit} ${rest}`,
  );
}

const per = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`;

/** One lane: all rules over the events, beside parsing them and a plain evaluation of the same rules. */
function lane(name: string, loaded: LoadedRules, samples: readonly Sample[], total: number): number {
  const compiled = new CompiledRules(loaded);
  let matches = 0;
  const planned = measure(samples, total, ({ event, logsource }) => {
    matches += compiled.ruleSet.matches(event, logsource).length;
  });
  const texts = samples.map(({ event }) => JSON.stringify(event));
  const parsing = measure(samples, total, (_, i) => void JSON.parse(texts[i % texts.length]!));
  show(
    name,
    planned,
    `JSON.parse ${per(parsing)} = ${(planned / parsing).toFixed(2)}`,
    `${(matches / runs / total).toFixed(2)} matches an event`,
  );
  return planned;
}

if (existsSync(corpus)) thirdParty();
else console.log('rules and events of third parties: left out, there is no folder shared beside the project');
builtInRules();
correlations();

function thirdParty(): void {
  interface RuleRecord {
    readonly yaml: string;
  }
  const startMs = performance.now();
  const all = loadRules(
    records<RuleRecord>('04-sigmahq-rule-derived/rules.jsonl').map(({ yaml }, i) => ({
      name: String(i),
      text: yaml,
    })),
  );
  const loadMs = performance.now() - startMs;
  new CompiledRules(all);
  console.log(
    `${all.rules.length} rules read in ${Math.round(loadMs)} ms, planned in ${Math.round(performance.now() - startMs - loadMs)} ms, ${all.faults.length} left out`,
  );
  interface CloudRecord {
    readonly event: RuleEvent;
    readonly log_type: string;
    readonly sigma_aliases: RuleEvent;
  }
  const cloud = records<CloudRecord>('02-sigmahq-cloud-x-events/events.jsonl');
  const unrouted = cloud.map(
    ({ event, sigma_aliases }): Sample => ({ event: { ...event, ...sigma_aliases }, logsource: {} }),
  );
  const routed = unrouted.map(({ event }, i): Sample => ({ event, logsource: sourceOf(cloud[i]!.log_type) }));
  const windows = records<{ readonly event: RuleEvent }>('01-sigmahq-regression/events.jsonl').map(
    ({ event }): Sample => ({ event, logsource: {} }),
  );
  lane('cloud audit events, unrouted', all, unrouted, 100_000);
  const complete = routed.map(({ event, logsource }): Sample => {
    return { event, logsource: { ...logsource, isComplete: true } };
  });
  lane('cloud audit events, of a product and service', all, routed, 200_000);
  lane('cloud audit events, of these and of no category', all, complete, 600_000);
  lane('Windows events', all, windows, 20_000);
  naive(all, unrouted);
  const few = { ...all, rules: all.rules.filter((_, i) => i % 7 === 0) };
  const small = lane(`cloud audit events, ${few.rules.length} rules`, few, unrouted, 100_000);
  const large = lane(`cloud audit events, ${all.rules.length} rules`, all, unrouted, 100_000);
  console.log(
    `from ${few.rules.length} to ${all.rules.length} rules the rate falls ${(small / large).toFixed(1)} times`,
  );
}

/** The same rules without a plan: what the plan saves. */
function naive({ rules }: LoadedRules, samples: readonly Sample[]): void {
  const tests = rules.map(({ detection }) => compileNaive(detection));
  let matches = 0;
  const rate = measure(samples, 500, ({ event }) => {
    for (const test of tests) if (test(event)) matches++;
  });
  show(
    'cloud audit events, unrouted, without a plan',
    rate,
    '',
    `${(matches / runs / 500).toFixed(2)} matches an event`,
  );
}

/** All rules that come along, with their correlations, over entries that they find nothing in, a millisecond apart. */
function builtInRules(): void {
  const folder = new URL('../rules/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.yml'),
  );
  const loaded = loadRules(
    files.map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') })),
  );
  const compiled = new CompiledRules(loaded);
  const beginMs = Date.UTC(2026, 0, 5, 9);
  const bytesOf = (i: number): Uint8Array => {
    const time = new Date(beginMs + i).toISOString();
    return Buffer.from(JSON.stringify({ ...everydayEvent(i), time, receivedAt: time }));
  };
  const [rates, parsing]: [number[], number[]] = [[], []];
  const total = 200_000;
  for (let run = 0; run < runs; run++) {
    const detector = new Detector(compiled, { latenessMs: 60_000 });
    let [spentMs, parsedMs] = [0, 0];
    for (let from = 0; from < total; from += 512) {
      const entries = Array.from({ length: Math.min(512, total - from) }, (_, k) => bytesOf(from + k));
      const startMs = performance.now();
      const inputs = entries.map((bytes, k) => inputOf(bytes, from + k));
      const readMs = performance.now();
      detector.take(inputs);
      spentMs += performance.now() - readMs;
      parsedMs += readMs - startMs;
    }
    rates.push((total / spentMs) * 1000);
    parsing.push((total / parsedMs) * 1000);
  }
  const [rate, limit] = [median(rates), median(parsing)];
  const { rules, correlations } = compiled;
  show(
    `entries, ${rules.length} built-in rules, ${correlations.length} correlations`,
    rate,
    `reading entries ${per(limit)} = ${(rate / limit).toFixed(2)}`,
  );
}

/** What the rules call the source of an event. */
function sourceOf(logType: string): EventSource {
  const [vendor = '', service = ''] = logType.toLowerCase().split('.');
  const sources: Readonly<Record<string, EventSource>> = {
    aws: { product: 'aws', service },
    okta: { product: 'okta', service: 'okta' },
    github: { product: 'github', service: 'audit' },
    gcp: { product: 'gcp', service: 'gcp.audit' },
    azure: { product: 'azure', service: 'auditlogs' },
    gsuite: { product: 'gcp', service: 'google_workspace.admin' },
    onelogin: { product: 'onelogin', service: 'onelogin.events' },
  };
  return sources[vendor] ?? { product: vendor, service };
}

function correlations(): void {
  const load = (body: string): CompiledRules =>
    new CompiledRules(
      loadRules([
        {
          name: 'bench.yml',
          text: `
title: base
name: base
logsource: {product: bench}
detection: {selection: {action: login}, condition: selection}
---
title: bench
name: bench
correlation: {rules: [base], group-by: [who], timespan: 10m, ${body}}
`,
        },
      ]),
    );
  const count = load('type: event_count, condition: {gte: 1000000}');
  const values = load('type: value_count, condition: {field: value, gte: 10000000}');
  const plain = rateOf(load('type: event_count, condition: {gte: 1000000}'), 500_000, () => ({
    action: 'other',
  }));
  console.log(`limit of the rows below, events that match no rule: ${per(plain.rate)}`);
  const row = (
    name: string,
    rules: CompiledRules,
    event: (i: number) => RuleEvent,
    eventsInWindow = 600_000,
  ): void => {
    const { rate, groups, heapMiB } = rateOf(rules, 1_000_000, event, eventsInWindow);
    show(
      name,
      rate,
      `= ${(rate / plain.rate).toFixed(2)}`,
      `${groups.toLocaleString('en')} groups, ${heapMiB} MiB more on the heap`,
    );
  };
  row('event_count, one group', count, () => ({ action: 'login', who: 'u' }));
  row('event_count, 1,000 groups', count, (i) => ({ action: 'login', who: `u${i % 1000}` }));
  row('event_count, a million groups', count, (i) => ({ action: 'login', who: `user-${i}` }), 60_000_000);
  for (const distinct of [10, 1800, 100_000])
    row(`value_count, ${distinct.toLocaleString('en')} values in the window`, values, (i) => ({
      action: 'login',
      who: 'u',
      value: `v${i % distinct}`,
    }));
}

/** @param eventsInWindow how many come in ten minutes of event time */
function rateOf(
  rules: CompiledRules,
  total: number,
  event: (i: number) => RuleEvent,
  eventsInWindow = 600_000,
): { readonly rate: number; readonly groups: number; readonly heapMiB: number } {
  const rates: number[] = [];
  let [groups, heapMiB] = [0, 0];
  const stepMs = 600_000 / eventsInWindow;
  for (let run = 0; run < runs; run++) {
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    const detector = new Detector(rules, { latenessMs: 60_000 });
    let spentMs = 0;
    for (let from = 0; from < total; from += 512) {
      const inputs = Array.from({ length: Math.min(512, total - from) }, (_, k): DetectorInput => {
        const timeMs = Date.UTC(2026, 0, 1) + Math.floor((from + k) * stepMs);
        const view = { event: event(from + k), logsource: { product: 'bench' } };
        return { views: [view], timeMs, receivedMs: timeMs, index: from + k, partition: '' };
      });
      const startMs = performance.now();
      detector.take(inputs);
      spentMs += performance.now() - startMs;
    }
    rates.push((total / spentMs) * 1000);
    groups = detector.groups;
    globalThis.gc?.();
    heapMiB = Math.round((process.memoryUsage().heapUsed - before) / 1_048_576);
  }
  return { rate: median(rates), groups, heapMiB };
}
