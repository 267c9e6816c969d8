import { SealtrailError } from '@sealtrail/core';
import {
  agentClassifier,
  CompiledRules,
  DerivedFields,
  Detector,
  type Explanation,
  explain,
  type LoadedRules,
  type Locate,
  lintRules,
  runRuleTests,
} from '@sealtrail/core/sigma';
import { Command } from 'commander';
import { eventsInLines } from '../rules/event-lines.ts';
import { locateFor } from '../rules/locations.ts';
import type { CliContext } from './context.ts';
import { openInput } from './input-file.ts';
import { jsonLine, printable } from './printable.ts';
import { faultText, loadAt, warnOfFaults } from './rule-paths.ts';
import { backtestCommand } from './rules-backtest.ts';
import { servedRuleCommands } from './rules-served.ts';
import { table } from './table.ts';

interface JsonOption {
  readonly json?: true;
}
interface EvalOptions extends JsonOption {
  readonly rules: readonly string[];
  readonly events: string;
  readonly locations?: readonly string[];
}
interface ExplainOptions extends EvalOptions {
  readonly rule: string;
  readonly line: string;
}

/** `sealtrail rules` */
export function rulesCommand(context: CliContext): Command {
  const rules = new Command('rules')
    .description('check, test and try detection rules (Sigma) without a server, and manage those of one')
    .addCommand(backtestCommand(context))
    .addCommand(lintCommand(context))
    .addCommand(testCommand(context))
    .addCommand(listCommand(context))
    .addCommand(evalCommand(context))
    .addCommand(explainCommand(context));
  for (const command of servedRuleCommands(context)) rules.addCommand(command);
  return rules;
}

/** A command over rule files. */
const overPaths = (name: string): Command =>
  new Command(name).argument('<path...>', rulesAt).option('--json', 'output for machines');

const locationsAt = 'databases that say where addresses are (.mmdb): City or Country, ASN, Anonymous IP';
/** What commands say of the paths of rules. */
const rulesAt = 'YAML files, folders, or JSON Lines with a member yaml';

function lintCommand({ terminal, setExitCode }: CliContext): Command {
  return overPaths('lint')
    .description('say what is wrong with rules, and what is probably not meant (fails for what is wrong)')
    .action(async (paths: readonly string[], { json }: JsonOption) => {
      const loaded = await loadAt(paths);
      const hints = lintRules(loaded);
      const { rules, correlations, faults } = loaded;
      const count = rules.length + correlations.length;
      if (json) terminal.out(jsonLine({ rules: count, faults, hints }));
      else {
        for (const fault of faults) terminal.out(`✗ ${faultText(fault)}\n`);
        for (const { rule, message } of hints) terminal.out(`! ${printable(rule)}: ${printable(message)}\n`);
        terminal.out(`${count} rules can be used, ${faults.length} faults, ${hints.length} hints\n`);
      }
      if (faults.length > 0) setExitCode(1);
    });
}

function testCommand({ terminal, setExitCode }: CliContext): Command {
  return overPaths('test')
    .description('run the tests that rules bring along (sealtrail.tests in the rule)')
    .action(async (paths: readonly string[], { json }: JsonOption) => {
      const loaded = await loadAt(paths);
      const { passed, failures, untested } = runRuleTests(loaded);
      if (json) terminal.out(jsonLine({ passed, failures, untested, faults: loaded.faults }));
      else {
        for (const fault of loaded.faults) terminal.out(`✗ ${faultText(fault)}\n`);
        for (const { rule, test, expected } of failures)
          terminal.out(
            `✗ ${printable(rule)}: ${printable(test)}: expected ${expected ? 'a match' : 'no match'}\n`,
          );
        for (const rule of untested)
          terminal.out(`! ${printable(rule)}: no test that it matches, or none that it does not\n`);
        terminal.out(`${passed} passed, ${failures.length} failed\n`);
      }
      if (failures.length > 0 || loaded.faults.length > 0) setExitCode(1);
    });
}

function listCommand({ terminal }: CliContext): Command {
  return overPaths('list')
    .description('list rules')
    .action(async (paths: readonly string[], { json }: JsonOption) => {
      const loaded = await loadAt(paths);
      warnOfFaults(loaded, terminal);
      const rows = [...loaded.rules, ...loaded.correlations].map(({ key, document }) => ({
        id: key,
        title: document.header.title,
        kind: document.kind === 'correlation' ? document.correlation.type : 'detection',
        level: document.header.level ?? 'medium',
        source: document.kind === 'detection' ? Object.values(document.logsource).join(' ') : '',
        tags: document.header.tags ?? [],
      }));
      if (json) for (const row of rows) terminal.out(jsonLine(row));
      else
        terminal.out(
          table(
            [
              { heading: 'ID' },
              { heading: 'TITLE' },
              { heading: 'KIND' },
              { heading: 'LEVEL' },
              { heading: 'SOURCE' },
            ],
            rows.map(({ id, title, kind, level, source }) => [id, title, kind, level, source]),
            terminal.columns,
          ),
        );
    });
}

/** Events looked at together. */
const batchSize = 512;

function evalCommand(context: CliContext): Command {
  const { terminal, signal } = context;
  return new Command('eval')
    .description('hold events against rules and print a JSON line for each match')
    .requiredOption('--rules <path...>', rulesAt)
    .requiredOption(
      '--events <file>',
      'JSON Lines (- is standard input): events, or {"logsource": {...}, "event": {...}}',
    )
    .option('--locations <file...>', locationsAt)
    .option('--json', 'accepted for symmetry: the output is JSON Lines in any case')
    .action(async ({ rules: paths, events: file, locations }: EvalOptions) => {
      const loaded = await loadAt(paths);
      warnOfFaults(loaded, terminal);
      const detector = new Detector(new CompiledRules(loaded), {
        latenessMs: Number.POSITIVE_INFINITY,
        locate: locateOf(loaded, locations, terminal),
      });
      const show = (event: number, rule: string): void =>
        terminal.out(`${JSON.stringify({ event, rule })}\n`);
      const episodes = new Map<object, () => void>();
      const take = (batch: Parameters<Detector['take']>[0]): void => {
        const output = detector.take(batch);
        for (const { input, rule } of output.matches) show(input.index, rule.key);
        note(output.episodes);
      };
      // What is known of a correlation can change until the last event: it is shown at the end.
      const note = (findings: ReturnType<Detector['finish']>): void => {
        for (const { episode, rule } of findings) {
          if (episode.mergedInto !== undefined) episodes.delete(episode);
          else episodes.set(episode, () => show(episode.completedBy, rule.key));
        }
      };
      let batch: Parameters<Detector['take']>[0][number][] = [];
      for await (const input of eventsInLines(await inputOf(file, context), file)) {
        signal.throwIfAborted();
        if (batch.push(input) < batchSize) continue;
        take(batch);
        batch = [];
      }
      take(batch);
      note(detector.finish());
      for (const showEpisode of episodes.values()) showEpisode();
    });
}

function explainCommand(context: CliContext): Command {
  const { terminal } = context;
  return new Command('explain')
    .description('say why a rule does or does not match an event')
    .requiredOption('--rules <path...>', rulesAt)
    .requiredOption('--rule <id>', 'id, name or title of the rule')
    .requiredOption('--events <file>', 'JSON Lines; - is standard input')
    .option('--line <number>', 'which of the events, from 0', '0')
    .option('--locations <file...>', locationsAt)
    .option('--json', 'output for machines')
    .action(async ({ rules: paths, rule: wanted, events: file, line, locations, json }: ExplainOptions) => {
      const loaded = await loadAt(paths);
      const rule = loaded.rules.find(
        ({ key, document: { header } }) =>
          key === wanted || header.name === wanted || header.title === wanted,
      );
      if (rule === undefined) {
        warnOfFaults(loaded, terminal);
        throw new SealtrailError('invalid_parameter', `there is no rule ${wanted} over single events`);
      }
      const locate = locateOf({ ...loaded, rules: [rule], correlations: [] }, locations, terminal);
      const { valuesOf } = new DerivedFields(agentClassifier(), locate);
      for await (const { index, views } of eventsInLines(await inputOf(file, context), file)) {
        if (index !== Number(line)) continue;
        const [view] = views;
        const explanation = explain(rule.detection, view!.event, valuesOf);
        terminal.out(
          json
            ? jsonLine({ rule: rule.key, event: index, matches: explanation.holds, explanation })
            : `${explanation.holds ? 'matches' : 'does not match'}: ${printable(rule.document.header.title)}\n${linesOf(explanation, 1)}`,
        );
        return;
      }
      throw new SealtrailError('invalid_parameter', `there is no event in line ${line} of ${file}`);
    });
}

const inputOf = (file: string, { stdin }: CliContext): Promise<AsyncIterable<Uint8Array>> =>
  file === '-' ? Promise.resolve(stdin) : openInput(file);

const locateOf = (
  loaded: LoadedRules,
  files: readonly string[] | undefined,
  { err }: CliContext['terminal'],
): Locate | undefined =>
  locateFor(loaded, files ?? [], (message) => err(`sealtrail: ${printable(message)}\n`));

const maxValuesShown = 8;
const maxFoundCharacters = 200;

/** An explanation as an indented list: what holds and what does not. */
function linesOf(explanation: Explanation, depth: number): string {
  const mark = explanation.holds ? '✓' : '✗';
  const head = '  '.repeat(depth);
  if (explanation.op !== 'item')
    return `${head}${mark} ${explanation.op}\n${explanation.parts.map((part) => linesOf(part, depth + 1)).join('')}`;
  const { identifier, field, isNegated, link, values, found } = explanation;
  const shown = values
    .toSorted((a, b) => Number(b.holds) - Number(a.holds))
    .slice(0, maxValuesShown)
    .map(({ text, holds }) => (holds ? `${text} ✓` : text));
  const more = values.length > shown.length ? ` and ${values.length - shown.length} more` : '';
  const wanted = `${isNegated ? 'none of ' : link === 'and' ? 'all of ' : values.length > 1 ? 'one of ' : ''}${shown.join(', ')}${more}`;
  const name = identifier === undefined ? '' : `${identifier}: `;
  const has =
    field === undefined
      ? 'any value'
      : `${field} ${found === undefined ? 'is not there' : `is ${textOf(found)}`}`;
  return printableLine(`${head}${mark} ${name}${has}; looked for ${wanted}`);
}

/** What an event has in a field, cut where it is long. */
function textOf(found: readonly unknown[]): string {
  const text = JSON.stringify(found.length === 1 ? found[0] : found);
  return text.length > maxFoundCharacters ? `${text.slice(0, maxFoundCharacters)}…` : text;
}

const printableLine = (text: string): string => `${printable(text)}\n`;
