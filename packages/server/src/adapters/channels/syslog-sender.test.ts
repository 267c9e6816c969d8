import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { SendOutcome } from '../../channel-ports.ts';
import { sendToStdout } from './stdout-sender.ts';
import { SyslogSender } from './syslog-sender.ts';
import { TargetGuard } from './target-guard.ts';
import { selfSigned } from './testing/self-signed.ts';

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

const certificate = selfSigned(['logs.internal']);
const guard = new TargetGuard(['logs.internal'], () =>
  Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
);
const never = new AbortController().signal;

/** A receiver over TCP that keeps what each connection brought. */
async function receiving(server: Server): Promise<{ port: number; received: string[] }> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const take = (socket: Socket): void => {
    sockets.add(socket);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => {});
    socket.on('end', () => received.push(text));
  };
  server.on(
    server.constructor.name === 'Server' && 'setSecureContext' in server ? 'secureConnection' : 'connection',
    take,
  );
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, received };
}

function send(
  port: number,
  transport: 'tls' | 'tcp' | 'udp',
  {
    host = 'logs.internal',
    guarded = guard,
    timeoutMs = 5000,
    signal = never,
    message = '<107>1 - - - - - - é',
  } = {},
): Promise<SendOutcome> {
  const sender = new SyslogSender({ guard: guarded, timeoutMs, closeMs: 200, ca: certificate.cert });
  return sender.send({ via: 'syslog', host, port, transport, message }, signal);
}

describe('SyslogSender', () => {
  it('sends a message in a datagram', async () => {
    const socket = createSocket('udp4');
    opened.push(() => socket.close());
    const arrived = once(socket, 'message');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    expect(await send(socket.address().port, 'udp')).toEqual({ kind: 'delivered' });
    expect(String((await arrived)[0])).toBe('<107>1 - - - - - - é');
  });

  it('counts octets over TCP', async () => {
    const { port, received } = await receiving(createServer());
    expect(await send(port, 'tcp')).toEqual({ kind: 'delivered' });
    expect(received).toEqual(['21 <107>1 - - - - - - é']);
  });

  it('takes a certificate only for the name', async () => {
    const { port, received } = await receiving(createTlsServer(certificate));
    expect(await send(port, 'tls')).toEqual({ kind: 'delivered' });
    const other = new TargetGuard(['other.internal'], () =>
      Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    );
    expect(await send(port, 'tls', { host: 'other.internal', guarded: other })).toEqual({
      kind: 'retry',
      error: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(received).toEqual(['21 <107>1 - - - - - - é']);
  });

  it('waits for a receiver that does not close, and no longer than it must', async () => {
    const { port } = await receiving(createServer({ allowHalfOpen: true }));
    expect(await send(port, 'tcp')).toEqual({ kind: 'delivered' });
  });

  it('tries again later when the connection is refused or breaks', async () => {
    const { port } = await receiving(
      createServer((socket) => {
        socket.resetAndDestroy();
      }),
    );
    expect(await send(port, 'tcp', { message: 'x'.repeat(8000) })).toMatchObject({ kind: 'retry' });
    for (const close of opened.splice(0)) close();
    expect(await send(port, 'tcp')).toEqual({ kind: 'retry', error: 'ECONNREFUSED' });
  });

  it('ends in time, and at once when it is aborted', async () => {
    // It listens, but speaks no TLS.
    const { port } = await receiving(createServer());
    expect(await send(port, 'tls', { timeoutMs: 100 })).toEqual({
      kind: 'retry',
      error: 'no answer in time',
    });
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('closing')), 50);
    await expect(send(port, 'tls', { timeoutMs: 60_000, signal: abort.signal })).rejects.toThrow('closing');
  });

  it('waits for no name server', async () => {
    const silent = new TargetGuard([], () => new Promise(() => {}));
    const never = { guarded: silent, timeoutMs: 50 };
    expect(await send(1, 'udp', never)).toEqual({ kind: 'retry', error: 'no answer in time' });
  });

  it.each(['tcp', 'tls', 'udp'] as const)(
    'leads to no private address that is not allowed: %s',
    async (transport) => {
      const { port, received } = await receiving(createServer());
      const closed = new TargetGuard([], () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]));
      for (const host of ['127.0.0.1', 'localhost', 'logs.internal'])
        expect(await send(port, transport, { host, guarded: closed })).toMatchObject({ kind: 'refused' });
      expect(received).toEqual([]);
    },
  );
});

describe('sendToStdout', () => {
  it('writes a line', async () => {
    const stream = new PassThrough();
    expect(await sendToStdout(stream, '{"a":1}', never)).toEqual({ kind: 'delivered' });
    expect(String(stream.read())).toBe('{"a":1}\n');
  });

  it('fails with the stream', async () => {
    const stream = new PassThrough();
    stream.on('error', () => {});
    stream.destroy();
    expect(await sendToStdout(stream, '{}', never)).toMatchObject({ kind: 'retry' });
  });
});
