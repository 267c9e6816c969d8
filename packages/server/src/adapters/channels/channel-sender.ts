import type { Writable } from 'node:stream';
import type { Outgoing, Sender, SendOutcome } from '../../channel-ports.ts';
import { HttpSender } from './http-sender.ts';
import { SmtpSender } from './smtp-sender.ts';
import { sendToStdout } from './stdout-sender.ts';
import { SyslogSender } from './syslog-sender.ts';
import type { TargetGuard } from './target-guard.ts';

const defaultTimeoutMs = 15_000;
const defaultCloseMs = 1000;

export interface ChannelSenderOptions {
  readonly guard: TargetGuard;
  /** Version of the server, which requests name. */
  readonly version: string;
  readonly stdout: Writable;
  /** Longest time of an attempt, default 15 seconds. */
  readonly timeoutMs?: number | undefined;
  /** How long a syslog receiver may take to close its end, default one second. */
  readonly closeMs?: number | undefined;
  /** Certificates that are trusted instead of the usual ones (PEM). */
  readonly ca?: string | undefined;
}

/** Sends through every kind of channel. */
export class ChannelSender implements Sender, Disposable {
  readonly #http: HttpSender;
  readonly #smtp: SmtpSender;
  readonly #syslog: SyslogSender;
  readonly #stdout: Writable;

  constructor({
    guard,
    version,
    stdout,
    timeoutMs = defaultTimeoutMs,
    closeMs = defaultCloseMs,
    ca,
  }: ChannelSenderOptions) {
    this.#http = new HttpSender({ guard, userAgent: `Sealtrail/${version}`, timeoutMs, ca });
    this.#smtp = new SmtpSender({ guard, timeoutMs, ca });
    this.#syslog = new SyslogSender({ guard, timeoutMs, closeMs, ca });
    this.#stdout = stdout;
  }

  send(outgoing: Outgoing, signal: AbortSignal): Promise<SendOutcome> {
    switch (outgoing.via) {
      case 'http':
        return this.#http.send(outgoing, signal);
      case 'smtp':
        return this.#smtp.send(outgoing, signal);
      case 'syslog':
        return this.#syslog.send(outgoing, signal);
      case 'stdout':
        return sendToStdout(this.#stdout, outgoing.line, signal);
    }
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }
}
