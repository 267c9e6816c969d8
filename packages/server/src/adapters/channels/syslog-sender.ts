import { createSocket } from 'node:dgram';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Outgoing, SendOutcome } from '../../channel-ports.ts';
import { withDeadline } from '../deadline.ts';
import { failureOf } from './send-failure.ts';
import type { TargetGuard } from './target-guard.ts';

type Message = Extract<Outgoing, { via: 'syslog' }>;

export interface SyslogSenderOptions {
  readonly guard: TargetGuard;
  readonly timeoutMs: number;
  /** How long to wait for the other end to close as well, once everything is sent. */
  readonly closeMs: number;
  /** Certificates that are trusted instead of the usual ones (PEM). */
  readonly ca?: string | undefined;
}

/**
 * Sends syslog messages: in a datagram (RFC 5426), or over a connection of its own each with octets counted (RFC 6587
 * section 3.4.1, RFC 5425). Syslog knows no acknowledgement. Over TCP what counts as delivered was sent and the connection
 * ended without an error; over UDP it has left this machine, which is all that can be known.
 */
export class SyslogSender {
  readonly #options: SyslogSenderOptions;

  constructor(options: SyslogSenderOptions) {
    this.#options = options;
  }

  /** Rejects only when it is aborted. */
  async send(message: Message, signal: AbortSignal): Promise<SendOutcome> {
    try {
      await withDeadline(signal, this.#options.timeoutMs, async (ends) => {
        const [found] = await this.#options.guard.addressesOf(message.host);
        ends.throwIfAborted();
        const { address, family } = found!;
        if (message.transport === 'udp') await sendDatagram(message, address, family);
        else await this.#sendOverConnection(message, address, ends);
      });
      return { kind: 'delivered' };
    } catch (error) {
      signal.throwIfAborted();
      return failureOf(error);
    }
  }

  #sendOverConnection(message: Message, address: string, signal: AbortSignal): Promise<void> {
    const { ca, closeMs } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { host, port } = message;
    const servername = host === address ? undefined : host;
    const socket: Socket =
      message.transport === 'tcp'
        ? connectTcp({ host: address, port })
        : connectTls({ host: address, port, ...(servername && { servername }), ...(ca && { ca }) });
    const abort = (): void => {
      socket.destroy(signal.reason as Error);
    };
    signal.addEventListener('abort', abort, { once: true });
    let patience: NodeJS.Timeout | undefined;
    socket.on('error', reject);
    socket.on('finish', () => {
      patience = setTimeout(() => socket.destroy(), closeMs);
    });
    // Whatever it says is read, so that its end is seen.
    socket.resume();
    socket.on('close', () => {
      clearTimeout(patience);
      signal.removeEventListener('abort', abort);
      if (socket.writableFinished) resolve();
      else reject(Object.assign(new Error('closed early'), { code: 'ECONNRESET' }));
    });
    socket.once(message.transport === 'tcp' ? 'connect' : 'secureConnect', () => {
      socket.end(`${Buffer.byteLength(message.message)} ${message.message}`);
    });
    return promise;
  }
}

async function sendDatagram({ port, message }: Message, address: string, family: number): Promise<void> {
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.send(message, port, address, (error) => (error ? reject(error) : resolve()));
    });
  } finally {
    socket.close();
  }
}
