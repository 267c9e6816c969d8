import { SealtrailError } from '@sealtrail/core';

export interface DemoOptions {
  readonly data?: string;
  readonly port: number;
  readonly rounds: number | undefined;
  readonly signal: AbortSignal;
  readonly print: (text: string) => void;
}

/** Runs the demo. */
export async function runDemo(_options: DemoOptions): Promise<void> {
  throw new SealtrailError('internal');
}
