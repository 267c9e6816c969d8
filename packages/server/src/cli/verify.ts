import { readFileSync } from 'node:fs';
import { type ErrorCode, type NewestEntries, SealtrailError } from '@sealtrail/core';
import { Command, Option } from 'commander';
import { isoTime } from '../iso-time.ts';
import { type FolderVerdict, verifyFolder } from '../verify/verify-folder.ts';
import { verifyProof } from '../verify/verify-proof.ts';
import { verifyRemote } from '../verify/verify-remote.ts';
import { type CliContext, dataOf, dataOption } from './context.ts';
import { jsonLine } from './printable.ts';
import { ProgressBar } from './progress-bar.ts';
import { entryReport, verifyReport } from './verify-report.ts';

/** A witness that was down rests up to so long. */
const newestMs = 600_000;

interface VerifyOptions {
  readonly data?: string;
  readonly url?: string;
  readonly token?: string;
  readonly trail?: string;
  readonly policy?: string;
  readonly remember?: string;
  readonly requireSigned?: true;
  readonly requireWitnessed?: true;
  readonly json?: true;
}

/** `sealtrail verify` */
export function verifyCommand(context: CliContext): Command {
  return new Command('verify')
    .description(
      'check that nothing was changed: a data folder (offline), a server, or the proof of an entry',
    )
    .argument('[evidence]', 'file with what prove --json printed; --policy is needed')
    .addOption(dataOption())
    .option('--url <url>', 'server to verify as a client that remembers')
    .addOption(new Option('--token <token>', 'bearer token for --url').env('SEALTRAIL_TOKEN'))
    .option('--trail <trail>', 'only this trail (with --url default main)')
    .option('--policy <file>', 'trust policy with the keys that you pinned; needed with --url')
    .option(
      '--remember <file>',
      'where the checkpoints seen are kept for the next time (default with --url: beside the policy)',
    )
    .option(
      '--require-signed',
      'with --data: fail where entries wait to be signed, as those of the last second do',
    )
    .option(
      '--require-witnessed',
      'fail where entries are not witnessed by the quorum of the policy, but for those received within ten minutes of now',
    )
    .option('--json', 'output for machines')
    .action(async (evidence: string | undefined, options: VerifyOptions) => {
      if (evidence !== undefined) {
        overProof(evidence, options, context);
        return;
      }
      // The environment says which folder is meant where none is named; it does not contradict a server that is.
      const data = options.url === undefined ? dataOf(options, context) : options.data;
      if ((data === undefined) === (options.url === undefined))
        throw new SealtrailError('invalid_parameter', 'expected either --data (SEALTRAIL_DATA) or --url');
      const verdict =
        data !== undefined
          ? await overFolder(data, options, context)
          : await overServer(options.url!, options, context);
      const { terminal } = context;
      terminal.out(options.json ? jsonLine(verdict) : verifyReport(verdict, terminal.columns));
      context.setExitCode(verdict.ok ? 0 : 1);
    });
}

function overProof(file: string, options: VerifyOptions, { terminal, setExitCode }: CliContext): void {
  if (options.data !== undefined || options.url !== undefined)
    throw new SealtrailError('invalid_parameter', 'expected evidence, --data or --url, got several of them');
  const policyText = readPolicy(neededPolicy(options, 'keys are never taken from the evidence'));
  const verdict = verifyProof(readText(file, 'the evidence', 'invalid_parameter'), policyText);
  terminal.out(options.json ? jsonLine(verdict) : entryReport(verdict, terminal.columns));
  setExitCode(verdict.ok ? 0 : 1);
}

function neededPolicy({ policy }: VerifyOptions, reason: string): string {
  if (policy === undefined) throw new SealtrailError('invalid_parameter', `expected --policy: ${reason}`);
  return policy;
}

async function overFolder(
  dir: string,
  options: VerifyOptions,
  { terminal, signal }: CliContext,
): Promise<FolderVerdict> {
  using progress = new ProgressBar(terminal, 'verifying');
  return await verifyFolder(dir, {
    policyText: options.policy === undefined ? undefined : readPolicy(options.policy),
    trail: options.trail,
    rememberFile: options.remember,
    requireSigned: options.requireSigned,
    requireWitnessed: newestOf(options),
    onProgress: (done, total) => progress.show(done, total),
    signal,
  });
}

async function overServer(
  url: string,
  options: VerifyOptions,
  { terminal, signal }: CliContext,
): Promise<FolderVerdict> {
  const policy = neededPolicy(options, 'keys are never taken from the server that is verified');
  using progress = new ProgressBar(terminal, 'verifying');
  const verdict = await verifyRemote({
    remote: { url, token: options.token, signal },
    trail: options.trail ?? 'main',
    policyText: readPolicy(policy),
    rememberFile: options.remember ?? `${policy}.seen`,
    requireWitnessed: newestOf(options),
    onProgress: (done, total) => progress.show(done, total),
    signal,
  });
  // What could not be fetched for that reason is no fault of the log.
  signal.throwIfAborted();
  return { ok: verdict.ok, code: verdict.code, trails: [verdict], checks: [], isPinned: true };
}

/** Which entries may be too new; the clock of the server may be before or behind this one. */
function newestOf({ requireWitnessed }: VerifyOptions): NewestEntries | undefined {
  if (requireWitnessed === undefined) return undefined;
  const nowMs = Date.now();
  return { from: isoTime(nowMs - newestMs), to: isoTime(nowMs + newestMs) };
}

const readPolicy = (file: string): string => readText(file, 'the trust policy', 'invalid_policy');

function readText(file: string, what: string, code: ErrorCode): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SealtrailError(code, `${what} ${file} cannot be read`, { cause });
  }
}
