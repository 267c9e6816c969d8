// Logs of the tests of crowdsec's hub: raw lines, with the addresses that its scenarios find in them.
import type { DetectorInput } from '@sealtrail/core/sigma';
import { records } from './corpus.ts';
import { detect, takeLine } from './pipeline.ts';

/** Sources by what the tests call the logs. Others are of products that are no source. */
const sourceOf: Readonly<Record<string, string>> = {
  syslog: 'syslog',
  nginx: 'access-log',
  apache2: 'access-log',
  litespeed: 'access-log',
  caddy: 'access-log',
  traefik: 'access-log',
};

interface LogTest {
  readonly test: string;
  readonly log_type: string;
  readonly log_lines: readonly string[];
  readonly expected_overflows: readonly {
    readonly scenario: string | null;
    readonly sources: readonly string[] | null;
  }[];
}

/** What a scenario is about, by its name; the first that fits counts. */
const families: readonly (readonly [family: string, pattern: RegExp])[] = [
  ['marks of a test of crowdsec itself', /generic-test$/],
  ['impossible travel', /impossible-travel/],
  ['SSH: handshakes that are broken off or attacked', /ssh-bad-keyexchange|ssh-cve/],
  ['SSH: passwords and users guessed', /\/ssh-/],
  ['HTTP: passwords and users guessed', /http-.*(?:bf|user-enum)|CVE-2022-41697|46169-bf/],
  ['HTTP: floods and strange requests', /http-dos|http-crawl|bad-user-agent|swithcing/],
  ['HTTP: injection of SQL, scripts and look-ups', /sqli|xss|log4j|cve-2021-44228/],
  ['HTTP: climbing out of folders', /path-traversal|cve-2021-41773|cve-2021-42013|CVE-2024-38475/],
  ['HTTP: weaknesses of products', /cve|vmsa|netgear|thinkphp|spring4shell/i],
  ['HTTP: files, pages and interfaces looked for', /probing|scan|wpconfig|sensitive|backdoor|w00tw00t/],
  ['HTTP: use as a proxy', /open-proxy/],
];

/** An attack that the tests expect to be found. */
export interface Attack {
  readonly test: string;
  readonly scenario: string;
  readonly family: string;
  /** Rules that found something about its address. */
  readonly foundBy: readonly string[];
}

/** Rules that found something about an address of which the tests expect nothing. */
export interface Alarm {
  readonly test: string;
  readonly rules: readonly string[];
}

export interface AttackLogs {
  readonly attacks: readonly Attack[];
  /** Tests in which nothing is to be found, and the alarms in them. */
  readonly quietTests: number;
  readonly quietAlarms: readonly Alarm[];
  /** About others than the attackers, in tests with an attack. */
  readonly sideAlarms: readonly Alarm[];
  /** Tests whose logs are of a source here, and how many lines of theirs are events, are passed over, are refused. */
  readonly tests: number;
  readonly lines: { readonly events: number; readonly skipped: number; readonly refused: number };
  /** Tests of such logs without an event: lines of other programs, or in other formats. */
  readonly withoutEvents: number;
  /** Tests of products that are no source. */
  readonly otherProducts: number;
}

/** Runs all rules over the logs, each test by itself. */
export function attackLogs(): AttackLogs {
  const attacks: Attack[] = [];
  const quietAlarms: Alarm[] = [];
  const sideAlarms: Alarm[] = [];
  const lines = { events: 0, skipped: 0, refused: 0 };
  const counts = { tests: 0, quietTests: 0, withoutEvents: 0, otherProducts: 0 };
  for (const { test, log_type, log_lines, expected_overflows } of records<LogTest>(
    '05-crowdsec-stateful/tests.jsonl',
  )) {
    const source = sourceOf[log_type];
    if (source === undefined) {
      counts.otherProducts++;
      continue;
    }
    const inputs = inputsOf(source, log_lines, lines);
    if (inputs.length === 0) {
      counts.withoutEvents++;
      continue;
    }
    counts.tests++;
    const found = rulesByAddress(inputs);
    const attackers = new Set<string>();
    for (const { scenario, sources } of expected_overflows) {
      const foundBy = new Set((sources ?? []).flatMap((address) => [...(found.get(address) ?? [])]));
      for (const address of sources ?? []) attackers.add(address);
      attacks.push({ test, scenario: scenario!, family: familyOf(scenario!), foundBy: [...foundBy] });
    }
    const others = [...found].filter(([address]) => !attackers.has(address));
    const rules = [...new Set(others.flatMap(([, names]) => [...names]))];
    if (expected_overflows.length === 0) counts.quietTests++;
    if (rules.length > 0) (expected_overflows.length === 0 ? quietAlarms : sideAlarms).push({ test, rules });
  }
  return { attacks, quietAlarms, sideAlarms, lines, ...counts };
}

function inputsOf(
  source: string,
  logLines: readonly string[],
  lines: { events: number; skipped: number; refused: number },
): readonly DetectorInput[] {
  const inputs: DetectorInput[] = [];
  for (const line of logLines) {
    if (line.trim() === '') continue;
    const taken = takeLine(source, line);
    if (taken.is === 'refused') lines.refused++;
    else if (taken.is === 'skipped') lines.skipped++;
    else {
      lines.events++;
      inputs.push(taken.input);
    }
  }
  return inputs;
}

function rulesByAddress(inputs: readonly DetectorInput[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const { rule, about } of detect(inputs).findings) {
    for (const value of about) {
      const rules = found.get(value) ?? new Set();
      found.set(value, rules.add(rule));
    }
  }
  return found;
}

const familyOf = (scenario: string): string =>
  families.find(([, pattern]) => pattern.test(scenario))?.[0] ?? 'others';
