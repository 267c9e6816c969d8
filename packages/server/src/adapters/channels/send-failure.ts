import type { SendOutcome } from '../../channel-ports.ts';
import { TargetRefused } from './target-guard.ts';

const code = /^[A-Z][A-Z0-9_]{2,48}$/;

/** What an attempt that threw comes to. Of errors only codes are told: their messages hold addresses and answers. */
export function failureOf(error: unknown): SendOutcome {
  if (error instanceof TargetRefused) return { kind: 'refused', error: error.message };
  return { kind: 'retry', error: textOf(error) };
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  // An abort that is none of the caller's is the end of the time allowed.
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time';
  if ('code' in error && typeof error.code === 'string' && code.test(error.code)) return error.code;
  return code.test(error.message) ? error.message : 'failed';
}
