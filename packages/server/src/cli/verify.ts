import { readFileSync } from 'node:fs';
import { type CheckResult, SealtrailError, type TrailVerdict } from '@sealtrail/core';
import { Command, Option } from 'commander';
import { type FolderVerdict, verifyFolder } from '../verify/verify-folder.ts';
import { verifyRemote } from '../verify/verify-remote.ts';
import type { CliContext } from './context.ts';
import { ProgressBar, printable } from './terminal.ts';

interface VerifyOptions {
  readonly data?: string;
  readonly url?: string;
  readonly token?: string;
  readonly trail?: string;
  readonly policy?: string;
  readonly remember?: string;
  readonly json?: true;
}

/** `sealtrail verify` */
export function verifyCommand(context: CliContext): Command {
  return new Command('verify')
    .description('check that nothing was changed: a data folder (offline), or a server')
    .option('--data <dir>', 'data folder to verify')
    .option('--url <url>', 'server to verify as a client that remembers')
    .addOption(new Option('--token <token>', 'bearer token for --url').env('SEALTRAIL_TOKEN'))
    .option('--trail <trail>', 'only this trail (with --url default main)')
    .option('--policy <file>', 'trust policy with the keys that you pinned; needed with --url')
    .option(
      '--remember <file>',
      'where the checkpoints seen are kept for the next time (default with --url: beside the policy)',
    )
    .option('--json', 'output for machines')
    .action(async (options: VerifyOptions) => {
      if ((options.data === undefined) === (options.url === undefined))
        throw new SealtrailError('invalid_parameter', 'expected either --data or --url');
      const verdict =
        options.data !== undefined
          ? await overFolder(options.data, options, context)
          : await overServer(options.url!, options, context);
      context.terminal.out(options.json ? `${JSON.stringify(verdict)}\n` : report(verdict));
      context.setExitCode(verdict.ok ? 0 : 1);
    });
}

async function overFolder(
  dir: string,
  options: VerifyOptions,
  { terminal, signal }: CliContext,
): Promise<FolderVerdict> {
  using progress = new ProgressBar(terminal, 'verifying');
  return verifyFolder(dir, {
    policyText: options.policy === undefined ? undefined : readPolicy(options.policy),
    trail: options.trail,
    rememberFile: options.remember,
    onProgress: (_trail, entries) => progress.show(entries, undefined),
    signal,
  });
}

async function overServer(
  url: string,
  options: VerifyOptions,
  { terminal }: CliContext,
): Promise<FolderVerdict> {
  if (options.policy === undefined)
    throw new SealtrailError(
      'invalid_parameter',
      'expected --policy: keys are never taken from the server that is verified',
    );
  using progress = new ProgressBar(terminal, 'verifying');
  const verdict = await verifyRemote({
    remote: { url, token: options.token },
    trail: options.trail ?? 'main',
    policyText: readPolicy(options.policy),
    rememberFile: options.remember ?? `${options.policy}.seen`,
    onProgress: (entries) => progress.show(entries, undefined),
  });
  return { ok: verdict.ok, code: verdict.code, trails: [verdict], checks: [], isPinned: true };
}

function readPolicy(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SealtrailError('invalid_policy', `the trust policy ${file} cannot be read`, { cause });
  }
}

/** The verdict in words: what holds, then what does not, with what to look at. */
function report(verdict: FolderVerdict): string {
  const lines = [...verdict.checks.map(checkLine), ...verdict.trails.flatMap(trailLines)];
  const keys = verdict.isPinned
    ? 'keys: from the trust policy that you gave'
    : 'keys: from the folder itself; whoever can change the folder can change them. Keep a copy of trust-policy.txt elsewhere and give it with --policy';
  return `${[...lines, '', keys, verdict.ok ? 'verdict: intact' : `verdict: NOT INTACT (${verdict.code})`].join('\n')}\n`;
}

function trailLines(verdict: TrailVerdict): string[] {
  const { trail, size, coveredSize, assurance, ok, code } = verdict;
  const tier = [
    assurance.selfSigned ? 'self-signed' : 'not signed by a pinned key',
    assurance.witnessed.need > 0
      ? `witnessed ${assurance.witnessed.have} of ${assurance.witnessed.need}`
      : 'no witnesses',
  ].join(', ');
  const head = `${ok ? '✓' : '✗'} trail ${printable(trail)}: ${ok ? 'intact' : code}, ${size.toLocaleString('en')} entries, ${coveredSize.toLocaleString('en')} under a signed checkpoint (${tier})`;
  return [
    head,
    ...verdict.checks.filter(({ status }) => status === 'failed').map(checkLine),
    ...verdict.checks.filter(({ status }) => status === 'not_covered').map(checkLine),
  ];
}

function checkLine({ check, status, code, firstIndex, lastIndex, message }: CheckResult): string {
  const where =
    firstIndex === undefined
      ? ''
      : lastIndex === undefined || lastIndex === firstIndex
        ? ` entry ${firstIndex}:`
        : ` entries ${firstIndex} to ${lastIndex}:`;
  return `  ${status === 'failed' ? '✗' : '·'} ${check} ${status === 'failed' ? code : 'not covered yet'}:${where} ${printable(message)}`;
}
