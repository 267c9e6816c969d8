import type { SealtrailError } from '@sealtrail/core';

const warned = new Set<string>();
const reported = new WeakSet<SealtrailError>();

/** Notes that a recorder has told its owner about an error, so that capture need not warn of it a second time. */
export function markReported(error: SealtrailError): void {
  reported.add(error);
}

/**
 * What happens with errors nobody asked for: a process warning, once for each code, so that losing events is never
 * silent and never a flood. Messages of {@link SealtrailError} hold neither event contents nor secrets.
 */
export function warnOnce(error: SealtrailError): void {
  if (warned.has(error.code) || reported.has(error)) return;
  warned.add(error.code);
  process.emitWarning(`${error.message} (shown once; pass onError to handle each)`, {
    type: 'SealtrailWarning',
    code: error.code,
  });
}
