import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import type { MailServer, Outgoing, SendOutcome } from '../../channel-ports.ts';
import { SmtpSender } from './smtp-sender.ts';
import { TargetGuard } from './target-guard.ts';
import { selfSigned } from './testing/self-signed.ts';

const opened: SMTPServer[] = [];
afterEach(async () => {
  for (const server of opened.splice(0)) await new Promise<void>((resolve) => server.close(resolve));
});

interface Received {
  readonly to: readonly string[];
  readonly isSecure: boolean;
  readonly user: string | undefined;
  readonly message: string;
}

/** A mail server on loopback that keeps what it receives. */
async function receiving(options: SMTPServerOptions): Promise<{ port: number; received: Received[] }> {
  const received: Received[] = [];
  const server = new SMTPServer({
    authOptional: true,
    logger: false,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        received.push({
          to: session.envelope.rcptTo.map(({ address }) => address),
          isSecure: session.secure,
          user: session.user,
          message: Buffer.concat(chunks).toString(),
        });
        done();
      });
    },
    ...options,
  });
  // A handshake that fails is what some tests are about.
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(server);
  return { port: (server.server.address() as AddressInfo).port, received };
}

const never = new AbortController().signal;
const certificate = selfSigned(['mail.internal']);
const guard = new TargetGuard(['mail.internal'], () =>
  Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
);

type Mail = Extract<Outgoing, { via: 'smtp' }>;

const mail: Mail['mail'] = {
  from: 'audit@example.com',
  to: ['ops@example.com', 'oncall@example.com'],
  subject: '[high] Alert: <b>Größe</b>',
  text: 'Level: high\n',
  html: '<p>Level: high</p>',
  messageId: '<ntf_000000000000000000000001@example.com>',
  references: '<alr_0123456789abcdef01234567@example.com>',
};

function send(
  port: number,
  server: Partial<MailServer>,
  given: Partial<Mail['mail']> = {},
  { guarded = guard, ca = certificate.cert, timeoutMs = 5000, signal = never } = {},
): Promise<SendOutcome> {
  return new SmtpSender({ guard: guarded, timeoutMs, ca }).send(
    {
      via: 'smtp',
      server: { host: 'mail.internal', port, security: 'starttls', ...server },
      mail: { ...mail, ...given },
    },
    signal,
  );
}

describe('SmtpSender', () => {
  it('sends over STARTTLS, signed in, so that mails of an alert are one thread', async () => {
    const { port, received } = await receiving({
      ...certificate,
      onAuth: ({ username, password }, _session, done) =>
        done(null, { user: username === 'u' && password === 'sample' ? username : '' }),
    });
    expect(await send(port, { user: 'u', password: 'sample' })).toEqual({ kind: 'delivered' });
    expect(received).toMatchObject([{ to: mail.to, isSecure: true, user: 'u' }]);
    const { message } = received[0]!;
    expect(message).toMatch(/^Message-ID: <ntf_000000000000000000000001@example\.com>\r$/m);
    expect(message).toMatch(/^References: <alr_0123456789abcdef01234567@example\.com>\r$/m);
    expect(message).toMatch(/^In-Reply-To: <alr_0123456789abcdef01234567@example\.com>\r$/m);
    expect(message).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(message).toMatch(/^Content-Type: multipart\/alternative;/m);
  });

  it('sends over TLS from the first byte', async () => {
    const { port, received } = await receiving({ ...certificate, secure: true });
    expect(await send(port, { security: 'tls' })).toEqual({ kind: 'delivered' });
    expect(received).toMatchObject([{ isSecure: true }]);
  });

  it('sends in the clear only where it is told to', async () => {
    const { port, received } = await receiving({ disabledCommands: ['STARTTLS', 'AUTH'] });
    expect(await send(port, {})).toMatchObject({ kind: 'refused' });
    expect(received).toEqual([]);
    expect(await send(port, { security: 'none' })).toEqual({ kind: 'delivered' });
    expect(received).toMatchObject([{ isSecure: false }]);
  });

  it('sends nothing where it cannot sign in', async () => {
    const none = await receiving({ ...certificate, disabledCommands: ['AUTH'] });
    expect(await send(none.port, { user: 'u', password: 'sample' })).not.toEqual({ kind: 'delivered' });
    const wrong = await receiving({
      ...certificate,
      onAuth: (_auth, _session, done) =>
        done(Object.assign(new Error('wrong sample'), { responseCode: 535 })),
    });
    expect(await send(wrong.port, { user: 'u', password: 'sample' })).toEqual({
      kind: 'refused',
      error: 'EAUTH, SMTP 535',
    });
    expect([...none.received, ...wrong.received]).toEqual([]);
  });

  it('takes a certificate only from those it trusts, and only for the name', async () => {
    const { port, received } = await receiving({ ...certificate });
    expect(await send(port, {}, {}, { ca: selfSigned(['mail.internal']).cert })).toMatchObject({
      kind: 'retry',
    });
    const other = new TargetGuard(['other.internal'], () =>
      Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    );
    expect(await send(port, { host: 'other.internal' }, {}, { guarded: other })).toMatchObject({
      kind: 'retry',
    });
    expect(received).toEqual([]);
  });

  it.each([
    [450, { kind: 'retry', error: 'EENVELOPE, SMTP 450' }],
    [550, { kind: 'refused', error: 'EENVELOPE, SMTP 550' }],
  ])('takes the reply %d for %j', async (responseCode, outcome) => {
    const { port } = await receiving({
      ...certificate,
      onRcptTo: (_address, _session, done) => done(Object.assign(new Error('no'), { responseCode })),
    });
    expect(await send(port, {})).toEqual(outcome);
  });

  it('says when some of the recipients were refused', async () => {
    const { port } = await receiving({
      ...certificate,
      onRcptTo: ({ address }, _session, done) =>
        done(address.startsWith('ops') ? null : Object.assign(new Error('no'), { responseCode: 550 })),
    });
    expect(await send(port, {})).toEqual({ kind: 'delivered', error: '1 of 2 recipients were refused' });
  });

  it('lets nothing into the headers, whatever the subject holds', async () => {
    const { port, received } = await receiving({ ...certificate });
    await send(port, {}, { subject: 'a\r\nBcc: someone@example.org\r\n\r\nbody' });
    const [head] = received[0]!.message.split('\r\n\r\n');
    expect(head).not.toMatch(/^Bcc:/im);
    expect(received[0]!.to).toEqual(mail.to);
  });

  it('connects to no private address that is not allowed', async () => {
    const { port, received } = await receiving({ ...certificate });
    const closed = new TargetGuard([], () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]));
    for (const host of ['127.0.0.1', 'localhost', 'mail.internal'])
      expect(await send(port, { host }, {}, { guarded: closed })).toMatchObject({ kind: 'refused' });
    expect(received).toEqual([]);
  });

  it('ends in time, and at once when it is aborted', async () => {
    const { port } = await receiving({ ...certificate, onData: (stream) => void stream.resume() });
    expect(await send(port, {}, {}, { timeoutMs: 300 })).toMatchObject({ kind: 'retry' });
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('closing')), 50);
    await expect(send(port, {}, {}, { timeoutMs: 60_000, signal: abort.signal })).rejects.toThrow('closing');
  });
});
