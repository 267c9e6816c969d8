import { createTransport } from 'nodemailer';
import type { Outgoing, SendOutcome } from '../../channel-ports.ts';
import { withDeadline } from '../deadline.ts';
import { failureOf } from './send-failure.ts';
import type { TargetGuard } from './target-guard.ts';

type Mail = Extract<Outgoing, { via: 'smtp' }>;

export interface SmtpSenderOptions {
  readonly guard: TargetGuard;
  /** From the connection to the end of the message. */
  readonly timeoutMs: number;
  /** Certificates that are trusted instead of the usual ones (PEM). */
  readonly ca?: string | undefined;
}

/** Sends mail, over a connection of its own each. */
export class SmtpSender {
  readonly #options: SmtpSenderOptions;

  constructor(options: SmtpSenderOptions) {
    this.#options = options;
  }

  /** Rejects only when it is aborted. */
  async send({ server, mail }: Mail, signal: AbortSignal): Promise<SendOutcome> {
    try {
      return await withDeadline(signal, this.#options.timeoutMs, (ends) => this.#attempt(server, mail, ends));
    } catch (error) {
      signal.throwIfAborted();
      return outcomeOf(error);
    }
  }

  async #attempt(server: Mail['server'], mail: Mail['mail'], signal: AbortSignal): Promise<SendOutcome> {
    const { guard, timeoutMs, ca } = this.#options;
    const [address] = await guard.addressesOf(server.host);
    signal.throwIfAborted();
    const transport = createTransport({
      // What was judged is what is connected to; the certificate is of the name.
      host: address!.address,
      port: server.port,
      secure: server.security === 'tls',
      requireTLS: server.security === 'starttls',
      ignoreTLS: server.security === 'none',
      tls: {
        ...(server.host !== address!.address && { servername: server.host }),
        ...(ca !== undefined && { ca }),
      },
      ...(server.user !== undefined && {
        auth: { user: server.user, pass: server.password ?? '' },
        // Rather no mail than one that was let through without the account.
        forceAuth: true,
      }),
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    const { rejected } = await transport.sendMail(messageOf(mail, signal));
    return rejected.length === 0
      ? { kind: 'delivered' }
      : { kind: 'delivered', error: `${rejected.length} of ${mail.to.length} recipients were refused` };
  }
}

function messageOf(
  mail: Mail['mail'],
  signal: AbortSignal,
): Parameters<ReturnType<typeof createTransport>['sendMail']>[0] & { signal: AbortSignal } {
  return {
    from: mail.from,
    to: [...mail.to],
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    messageId: mail.messageId,
    references: mail.references,
    inReplyTo: mail.references,
    // So that nobody's absence answers an alert (RFC 3834).
    headers: { 'auto-submitted': 'auto-generated' },
    signal,
  };
}

/** Replies of 500 and more are final (RFC 5321 section 4.2.1). */
function outcomeOf(error: unknown): SendOutcome {
  const failure = failureOf(error);
  if (failure.kind !== 'retry' || !(error instanceof Error && 'responseCode' in error)) return failure;
  const reply = Number(error.responseCode);
  if (!Number.isInteger(reply) || reply < 400) return failure;
  return { kind: reply >= 500 ? 'refused' : 'retry', error: `${failure.error}, SMTP ${reply}` };
}
