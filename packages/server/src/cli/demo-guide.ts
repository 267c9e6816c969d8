import type { Alert } from '@sealtrail/core';
import { type DemoScene, demoEnder } from '../demo.ts';
import type { Invocation } from './invocation.ts';

/** Whom the last event is made to name by the byte that is changed. */
const someoneElse = 'u_2';

/** What to look at while it runs. */
export function introduction(
  { serverUrl, shopUrl, token, dir }: DemoScene,
  { command, folder }: Invocation,
): string {
  return lines(
    `Sealtrail listens on ${serverUrl}`,
    `  shop          ${shopUrl}`,
    `  data folder   ${dir}`,
    '',
    'Try, in another terminal:',
    '',
    ...(folder === undefined ? [] : [`  cd ${quoted(folder)}`]),
    `  export SEALTRAIL_URL=${serverUrl}`,
    `  export SEALTRAIL_TOKEN=${token}`,
    '',
    'Follow what happens:',
    `  ${command} tail`,
    'Failed attempts, and sign-ins from where the attacks come from:',
    `  ${command} query outcome:failure since:1h`,
    `  ${command} query action:user.login ip:203.0.113.0/24`,
    'Alerts: what the rules make of it, and as it happens:',
    `  ${command} alert list`,
    `  ${command} alert tail`,
    'Who looked at the log:',
    `  ${command} query --trail system`,
    'Keep the keys elsewhere, and verify with them that nothing was changed:',
    ...pinned(dir),
    ...verify(command, dir, dir),
    '',
    'Ctrl-C ends it, and tells how to see a changed byte found.',
  );
}

/** What to try with an alert, once there is one. */
export function alertGuide({ id }: Pick<Alert, 'id'>, { command }: Invocation): string {
  return lines(
    '',
    'Look at the worst of these alerts, and say what it turned out to be:',
    `  ${command} alert show ${id}`,
    `  ${command} alert resolve ${id} \\`,
    '    --as true_positive',
    '',
  );
}

/**
 * What to try when it has ended: a byte is changed, and found.
 *
 * @param copy a folder that is not there yet
 */
export function farewell(
  { dir, events, copy }: Pick<DemoScene, 'dir'> & { readonly events: number; readonly copy: string },
  { command, folder }: Invocation,
): string {
  return lines(
    '',
    `${events.toLocaleString('en')} events were recorded. The last one says that ${demoEnder} ended the demo. Change one`,
    `byte in a copy of the log, so that it says ${someoneElse}, and see it found:`,
    '',
    ...(folder === undefined ? [] : [`  cd ${quoted(folder)}`]),
    ...pinned(dir),
    `  cp -r ${quoted(dir)} ${quoted(copy)}`,
    `  LC_ALL=C ${sedInPlace} 's/"${demoEnder}"/"${someoneElse}"/g' ${quoted(`${copy}/log.db`)}`,
    ...verify(command, copy, dir),
    '',
    `The data stays in ${dir} until you remove it.`,
  );
}

const policyOf = (dir: string): string => quoted(`${dir}.policy`);

const pinned = (dir: string): string[] => [`  cp ${quoted(`${dir}/trust-policy.txt`)} ${policyOf(dir)}`];

const verify = (command: string, data: string, dir: string): string[] => [
  `  ${command} verify --data ${quoted(data)} \\`,
  `    --policy ${policyOf(dir)}`,
];

/** The sed of BSD takes a suffix for the old file. */
const sedInPlace = process.platform === 'darwin' ? "sed -i ''" : 'sed -i';

/** A path for a POSIX shell. */
const quoted = (text: string): string =>
  /^[\w./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

const lines = (...texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');
