import { SealtrailError } from '@sealtrail/core';

/** Why a server cannot listen, as an error that says what to do. */
export function listenFailure(cause: NodeJS.ErrnoException, host: string, port: number): SealtrailError {
  return new SealtrailError('address_unavailable', messageOf(cause, host, port), { cause });
}

function messageOf({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  switch (code) {
    case 'EADDRINUSE':
      return `another program listens on port ${port} of ${host}: stop it, or give another port (0 takes any that is free)`;
    case 'EACCES':
      return `this user may not listen on port ${port} of ${host}: give a port from 1024 on`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `this machine has no address ${host}: give another host (127.0.0.1 for this machine alone, 0.0.0.0 for its networks)`;
    default:
      return `it is not possible to listen on port ${port} of ${host}: ${message}`;
  }
}
