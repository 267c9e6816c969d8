import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Channel, ChannelTest, ChannelWithSecret, DeadLetter } from '@sealtrail/core';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Outcome, run } from './support/command-line.ts';
import { type Received, Receiver } from './support/receiver.ts';
import { adminSecret, startServer, type TestServer } from './support/server.ts';

const ownKey = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

let server: TestServer;
let receiver: Receiver;
let received: readonly Received[];
let target = '';

beforeAll(async () => {
  server = await startServer({ detection: true, allowedTargets: ['127.0.0.1'] });
  receiver = await Receiver.start();
  received = receiver.received;
  target = `${receiver.url}/in?key=hidden`;
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** Runs a command with a line of standard input, and more in its environment. */
const sealtrail = (
  args: readonly string[],
  { input = '', ...more }: Readonly<Record<string, string>> = {},
): Promise<Outcome> =>
  run(args, { input, environment: { SEALTRAIL_URL: server.url, SEALTRAIL_TOKEN: adminSecret, ...more } });

async function told<T>(args: readonly string[], more?: Readonly<Record<string, string>>): Promise<T> {
  const { code, stdout, stderr } = await sealtrail([...args, '--json'], more);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as T;
}

const listed = async (): Promise<readonly Channel[]> =>
  (await told<{ channels: Channel[] }>(['channel', 'list'])).channels;

describe('channels, on the command line', () => {
  it('are added with a key that is shown once, tested, rotated and removed', async () => {
    const added = await sealtrail(['channel', 'add', 'webhook', 'on call', '--to-url', target]);
    const [, id, key] = /^(chn_\w+) is added.*\n.*\n {2}(whsec_\S+)\n$/.exec(added.stdout) ?? [];
    expect([added.code, key]).toEqual([0, expect.any(String)]);
    expect((await sealtrail(['channel', 'test', id!])).stdout).toBe('delivered\n');
    const { headers, body } = received.at(-1)!;
    expect(new Webhook(key!).verify(body, headers as Record<string, string>)).toMatchObject({
      type: 'channel.test',
    });
    const list = await sealtrail(['channel', 'list']);
    expect(list.stdout).toMatch(/on call +webhook +http:\/\/127\.0\.0\.1:\d+\/in +medium +0 +0 +\w/);
    expect(list.stdout).not.toContain('hidden');
    const rotated = await sealtrail(['channel', 'rotate', id!, '--alone']);
    expect(rotated.stdout).toMatch(/^whsec_\S+\n$/);
    await told<ChannelTest>(['channel', 'test', id!]);
    const again = received.at(-1)!;
    expect(() => new Webhook(key!).verify(again.body, again.headers as Record<string, string>)).toThrow();
    expect((await sealtrail(['channel', 'remove', id!])).stdout).toBe(`${id} is removed\n`);
    expect((await sealtrail(['channel', 'list'])).stdout).toBe('no channels\n');
    const gone = await sealtrail(['channel', 'test', id!]);
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining('channel_not_found')]);
  });

  it('have filters, timers and what else they can have', async () => {
    const { id } = await told<ChannelWithSecret>([
      ...['channel', 'add', 'stdout', 'out', '--format', 'ocsf', '--min-level', 'low', '--disabled'],
      ...['--rule', 'a', 'b', '--trail', 'main', '--tenant', 'acme', '--personal-data'],
      ...['--wait', '30s', '--interval', '1h', '--repeat', '0s'],
    ]);
    const made = (await listed()).find((channel) => channel.id === id);
    expect(made).toMatchObject({
      target: { kind: 'stdout', format: 'ocsf' },
      filter: { minLevel: 'low', rules: ['a', 'b'], trails: ['main'], tenants: ['acme'] },
      timers: { waitMs: 30_000, intervalMs: 3_600_000, repeatMs: 0 },
      personalData: true,
      isEnabled: false,
    });
    expect((await sealtrail(['channel', 'enable', id])).stdout).toBe(`${id} is enabled\n`);
    expect((await told<Channel>(['channel', 'disable', id])).isEnabled).toBe(false);
    const { isEnabled, changedAt, ...kept } = (await listed()).find((channel) => channel.id === id)!;
    expect({ ...made, ...kept }).toEqual(made);
    expect([isEnabled, typeof changedAt]).toEqual([false, 'string']);
    await sealtrail(['channel', 'remove', id]);
  });

  it('take secrets from a file, standard input or the environment', async () => {
    const file = path.join(server.dir, 'secret-of-test');
    await writeFile(file, `${ownKey}\n`);
    const routingKey = 'a'.repeat(32);
    const inEnvironment = { SEALTRAIL_CHANNEL_SECRET: 'Bearer x' };
    const mail = ['--host', '127.0.0.1', '--from', 'a@example.com', '--to', 'b@example.com', 'c@example.com'];
    const ids = [
      await told<ChannelWithSecret>(['channel', 'add', 'webhook', 'w', '--secret-file', file], {
        SEALTRAIL_CHANNEL_URL: target,
      }),
      await told<ChannelWithSecret>(['channel', 'add', 'slack', 's', '--to-url-file', '-'], {
        input: `${target}\n`,
      }),
      await told<ChannelWithSecret>(['channel', 'add', 'teams', 't', '--to-url', target]),
      await told<ChannelWithSecret>(
        ['channel', 'add', 'pagerduty', 'p', '--secret-file', '-', '--to-url', target],
        {
          input: routingKey,
        },
      ),
      await told<ChannelWithSecret>(['channel', 'add', 'ocsf', 'o', '--to-url', target], inEnvironment),
      await told<ChannelWithSecret>(
        ['channel', 'add', 'email', 'e', ...mail, '--port', '2525', '--user', 'u', '--secret-file', '-'],
        { input: 'pass word \r\n' },
      ),
      await told<ChannelWithSecret>(
        ['channel', 'add', 'syslog', 'y', '--host', '127.0.0.1', '--transport', 'udp', '--format', 'cef'],
        inEnvironment,
      ),
    ].map((channel) => {
      expect(channel.secret).toBeNull();
      return channel.id;
    });
    const targets = (await listed()).map(({ target: shown }) => shown);
    expect(targets).toMatchObject([
      { kind: 'webhook', secrets: 1 },
      { kind: 'slack' },
      { kind: 'teams' },
      { kind: 'pagerduty' },
      { kind: 'ocsf', hasAuthorization: true },
      { kind: 'email', port: 2525, user: 'u', hasPassword: true, to: ['b@example.com', 'c@example.com'] },
      { kind: 'syslog', port: 6514, transport: 'udp', format: 'cef' },
    ]);
    await sealtrail(['channel', 'test', ids[3]!]);
    expect(received.at(-1)!.body).toContain(routingKey);
    await sealtrail(['channel', 'test', ids[4]!]);
    expect(received.at(-1)!.headers.authorization).toBe('Bearer x');
    const { stdout } = await sealtrail(['channel', 'list']);
    expect(stdout).toContain('b@example.com, c@example.com by 127.0.0.1:2525');
    for (const id of ids) await sealtrail(['channel', 'remove', id]);
  });

  it('refuse what is no channel, and never repeat a secret', async () => {
    const secret = 'not-a-key-and-secret';
    for (const bad of [
      ['webhook', 'x'],
      ['webhook', 'x', '--to-url', 'nonsense'],
      ['webhook', 'x', '--to-url', target, '--secret-file', '-'],
      ['webhook', 'x', '--to-url-file', '-', '--secret-file', '-'],
      ['webhook', 'x', '--to-url-file', path.join(server.dir, 'not-there')],
      ['pagerduty', 'x'],
      ['pagerduty', 'x', '--secret-file', '-'],
      ['email', 'x', '--host', 'mail.example.com'],
      ['email', 'x', '--host', 'h', '--from', 'a@example.com', '--to', 'b@example.com', '--port', 'smtp'],
      ['stdout', 'x', '--wait', 'soon'],
      ['stdout', 'x', '--min-level', 'worst'],
      ['stdout'],
      ['pigeon', 'x'],
    ]) {
      const { code, stderr } = await sealtrail(['channel', 'add', ...bad], { input: secret });
      expect([bad, code]).toEqual([bad, 2]);
      expect(stderr).not.toContain(secret);
    }
    const tooLong = await sealtrail(['channel', 'add', 'pagerduty', 'x', '--secret-file', '-'], {
      input: 'x'.repeat(100_000),
    });
    expect(tooLong.code).toBe(2);
    const refused = await sealtrail(['channel', 'add', 'webhook', 'x', '--to-url', 'http://10.0.0.1/']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('target_refused')]);
    expect(await listed()).toEqual([]);
  });

  it('tell of a test that fails, and send dead letters again', async () => {
    receiver.status = 400;
    const rule = ['title: X', 'name: x', 'level: high', 'logsource: {product: sealtrail}'];
    const detection = 'detection: {s: {action: x.y}, condition: s}';
    const tests =
      'sealtrail: {tests: [{name: a, match: true, event: {action: x.y}}, {name: b, match: false, event: {action: z}}]}';
    const yaml = [...rule, detection, tests].join('\n');
    expect((await sealtrail(['rules', 'add', '-'], { input: yaml })).code).toBe(0);
    expect((await sealtrail(['rules', 'enable', 'x'])).code).toBe(0);
    const add = ['channel', 'add', 'webhook', 'x', '--to-url', target, '--rule', 'x'];
    const { id } = await told<ChannelWithSecret>(add);
    const test = await sealtrail(['channel', 'test', id]);
    expect([test.code, test.stdout]).toEqual([1, 'not delivered: HTTP 400\n']);
    expect((await sealtrail(['channel', 'dead-letters', id])).stdout).toBe('no dead letters\n');
    await server.record({ action: 'x.y' });
    const letter = await vi.waitFor(
      async () => {
        const answer = await told<{ deadLetters: DeadLetter[] }>(['channel', 'dead-letters', id]);
        expect(answer.deadLetters).toHaveLength(1);
        return answer.deadLetters[0]!;
      },
      { timeout: 20_000 },
    );
    expect((await sealtrail(['channel', 'dead-letters', id])).stdout).toContain(
      `alert.opened  ${letter.alert}`,
    );
    expect((await sealtrail(['channel', 'retry', id, 'x'])).code).toBe(2);
    receiver.status = 204;
    expect((await sealtrail(['channel', 'retry', id, letter.id])).stdout).toBe('1 sent again\n');
    await vi.waitFor(() => expect(received.at(-1)!.headers['webhook-id']).toBe(letter.id), {
      timeout: 20_000,
    });
    expect(await told(['channel', 'retry', id])).toEqual({ count: 0 });
  });
});
