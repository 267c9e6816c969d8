import { SealtrailError } from '@sealtrail/core';
import type { WitnessAnswer, WitnessRequest } from '../../ports.ts';
import { withDeadline } from '../deadline.ts';

/** A hundred cosignatures of the largest kind; a signed checkpoint with as many fits as well. */
const maxBytes = 512 * 1024;
const defaultTimeoutMs = 10_000;

/**
 * Asks a witness over HTTP. Witnesses are chosen by whoever starts the server, so they may be anywhere; what they answer
 * may be anything. Bytes are counted after decompression.
 *
 * @param timeoutMs longest time for an answer, from the request to the last byte
 */
export async function askOverHttp(
  { url, body, signal }: WitnessRequest,
  timeoutMs: number = defaultTimeoutMs,
): Promise<WitnessAnswer> {
  return await withDeadline(signal, timeoutMs, async (ends) => {
    const response = await fetch(url, {
      ...(body !== undefined && { method: 'POST', body }),
      // What is asked for stands in the body and would go wherever a redirect leads.
      redirect: 'manual',
      signal: ends,
    });
    const [contentType = ''] = (response.headers.get('content-type') ?? '').split(';');
    return {
      status: response.status,
      contentType: contentType.trim().toLowerCase(),
      retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
      text: await boundedText(response),
    };
  });
}

function retryAfterMs(header: string | null): number {
  return header !== null && /^\d{1,9}$/.test(header) ? 1000 * Number(header) : 0;
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw new SealtrailError('body_too_large', `the witness sent more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
