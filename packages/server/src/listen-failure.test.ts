import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { listenFailure } from './listen-failure.ts';

it('a port that is taken is told apart from an address that this machine does not have', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as { port: number };
  const failureOf = (host: string): Promise<string> =>
    new Promise((resolve, reject) => {
      createServer()
        .on('error', (cause) => {
          const { code, message } = listenFailure(cause, host, port);
          if (code === 'address_unavailable') resolve(message);
          else reject(new Error(code));
        })
        .listen(port, host, () => reject(new Error('expected that it cannot listen')));
    });
  const messages = await Promise.all([failureOf('127.0.0.1'), failureOf('203.0.113.1')]);
  taken.close();
  expect(new Set(messages).size).toBe(2);
  for (const message of messages) expect(message).not.toContain('listen E');
});
