import { type Alert, type AlertAction, alertActionSchema, dispositions } from '@sealtrail/core';
import { Command, Option } from 'commander';
import { alertIdOf } from './alert-id.ts';
import { statusText } from './alert-text.ts';
import { checkedBody } from './checked-body.ts';
import { apiOf, type CliContext, print, type ServerCommandOptions, withServer } from './context.ts';
import { printable } from './printable.ts';

interface StepOptions extends ServerCommandOptions {
  readonly note?: string;
}

/** Commands that say what became of alerts: each is a step of their life, and an entry of the trail `system`. */
export function stepCommands(context: CliContext): readonly Command[] {
  /** A step that several alerts can take at once. */
  const step = (name: string, description: string): Command =>
    withServer(new Command(name))
      .description(description)
      .argument('<id...>', 'ids of alerts, alr_...')
      .option('--note <text>', 'what else is to be said');
  return [
    step('ack', 'take alerts up: somebody looks at them').action(
      (ids: readonly string[], options: StepOptions) =>
        takeSteps(ids, { action: 'acknowledge', note: options.note }, options, context),
    ),
    step('assign', 'give alerts to somebody')
      .requiredOption('--to <who>', 'to whom')
      .action((ids: readonly string[], options: StepOptions & { to: string }) =>
        takeSteps(ids, { action: 'assign', assignee: options.to, note: options.note }, options, context),
      ),
    step('resolve', 'close alerts, and say what they turned out to be')
      .addOption(
        new Option('--as <disposition>', 'what they turned out to be')
          .choices(dispositions)
          .makeOptionMandatory(),
      )
      .option('--duplicate-of <id>', 'with --as duplicate: of which alert')
      .action(
        (
          ids: readonly string[],
          options: StepOptions & { as: (typeof dispositions)[number]; duplicateOf?: string },
        ) => {
          const { as: disposition, duplicateOf, note } = options;
          return takeSteps(ids, { action: 'resolve', disposition, duplicateOf, note }, options, context);
        },
      ),
    step('reopen', 'open alerts again that were resolved').action(
      (ids: readonly string[], options: StepOptions) =>
        takeSteps(ids, { action: 'reopen', note: options.note }, options, context),
    ),
    withServer(new Command('note'))
      .description('say something about an alert')
      .argument('<id>', 'its id, alr_...')
      .argument('<text...>', 'what is to be said')
      .action((id: string, words: readonly string[], options: ServerCommandOptions) =>
        takeSteps([id], { action: 'note', note: words.join(' ') }, options, context),
      ),
  ];
}

/** Takes a step with one alert after the other, up to the first that is refused. */
async function takeSteps(
  ids: readonly string[],
  action: AlertAction,
  options: ServerCommandOptions,
  context: CliContext,
): Promise<void> {
  const body = checkedBody('step of an alert', alertActionSchema, action);
  const api = apiOf(options, context);
  for (const id of ids.map(alertIdOf)) {
    const alert = await api.json<Alert>('POST', `v1/alerts/${id}`, {}, body);
    print(context, options, alert, `${printable(`${alert.id}  ${statusText(alert)}`)}\n`);
  }
}
