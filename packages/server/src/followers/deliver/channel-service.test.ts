import { randomBytes } from 'node:crypto';
import { channelSchema, type NewChannel, newChannelSchema } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { Webhook } from 'standardwebhooks';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SystemEvent } from '../../access/system-trail.ts';
import { TargetGuard } from '../../adapters/channels/target-guard.ts';
import { outboxTables, SqliteOutbox } from '../../adapters/sqlite/outbox.ts';
import type { Outgoing, SendOutcome } from '../../channel-ports.ts';
import { sampleTargets } from '../../channels/testing/sample-targets.ts';
import { codeOf, codeOfPromise } from '../../testing/code-of.ts';
import { ChannelService } from './channel-service.ts';
import { numbered } from './testing/delivering.ts';

const by = {
  actor: { type: 'api_key', id: 'tok_admin', name: 'admin' },
  source: { ip: '192.0.2.1' },
} as const;

let outbox: SqliteOutbox;
let service: ChannelService;
let acts: (SystemEvent & { id: string })[];
let wakes: number;
let sent: Outgoing[];
let outcome: SendOutcome;
let closing: AbortController;
let isFailing: boolean;

beforeEach(() => {
  const db = new Database(':memory:');
  db.exec(outboxTables);
  outbox = new SqliteOutbox(db);
  [acts, wakes, sent, outcome, closing, isFailing] = [
    [],
    0,
    [],
    { kind: 'delivered' },
    new AbortController(),
    false,
  ];
  service = new ChannelService({
    outbox,
    acts: {
      add: (act) => {
        if (isFailing) throw new Error('the act could not be kept');
        acts.push(act);
      },
    },
    transaction: (work) => db.transaction(work)(),
    targets: new TargetGuard([]),
    sender: {
      send: async (outgoing, signal) => {
        signal.throwIfAborted();
        sent.push(outgoing);
        return outcome;
      },
    },
    wake: () => {
      wakes++;
    },
    now: () => Date.UTC(2026, 0, 31),
    random: (bytes) => randomBytes(bytes),
    version: '1',
    closing: closing.signal,
  });
});

const wanted = (given: object = {}): NewChannel =>
  newChannelSchema.parse({
    name: 'ops',
    target: { kind: 'webhook', url: 'https://hooks.example.com/in?key=sample' },
    ...given,
  });
const actions = (): string[] => acts.map(({ action }) => action);

describe('ChannelService', () => {
  it('makes a webhook with a key that is shown once and signs', async () => {
    const created = service.create(wanted(), by);
    expect(created).toMatchObject({
      name: 'ops',
      target: { kind: 'webhook', url: 'https://hooks.example.com/in', secrets: 1 },
    });
    expect(JSON.stringify([service.get(created.id), service.list()])).not.toContain(created.secret);
    await service.test(created.id, by);
    const [outgoing] = sent;
    if (outgoing?.via !== 'http') throw new Error('expected a request');
    // The clock of the test is not that of the library.
    const at = new Date(Number(outgoing.headers['webhook-timestamp']) * 1000);
    expect(outgoing.headers['webhook-signature']).toBe(
      new Webhook(created.secret!).sign(outgoing.headers['webhook-id']!, at, outgoing.body),
    );
  });

  it.each(sampleTargets)('shows and records no secret of a target: %s', (_name, target) => {
    const created = service.create(wanted({ target }), by);
    expect(channelSchema.safeParse(service.get(created.id)).success).toBe(true);
    const told = JSON.stringify([created, service.list(), acts]);
    for (const secret of ['whsec_', 'services/T0', 'workflows/1', '0'.repeat(32), 'Bearer sample'])
      expect(told).not.toContain(secret);
  });

  it('records each change with who made it, in the same commit', () => {
    const { id } = service.create(wanted(), by);
    service.update(id, { ...wanted({ isEnabled: false }), target: undefined }, by);
    service.update(id, wanted({ name: 'other' }), by);
    service.rotateSecret(id, { keepPrevious: true }, by);
    service.remove(id, by);
    expect(actions()).toEqual([
      'channel.create',
      'channel.update',
      'channel.disable',
      'channel.update',
      'channel.enable',
      'channel.rotate_secret',
      'channel.remove',
    ]);
    expect(acts[0]).toMatchObject({
      ...by,
      category: 'configuration',
      targets: [{ type: 'channel', id, name: 'ops' }],
      metadata: { kind: 'webhook', leadsTo: 'hooks.example.com', filter: { minLevel: 'medium' } },
    });
    expect(new Set(acts.map((act) => act.id)).size).toBe(acts.length);
    expect(wakes).toBe(4);
  });

  it('changes nothing when the act cannot be kept', () => {
    const { id } = service.create(wanted(), by);
    const before = service.get(id);
    isFailing = true;
    expect(() => service.update(id, wanted({ name: 'other' }), by)).toThrow();
    expect(() => service.create(wanted(), by)).toThrow();
    expect(() => service.remove(id, by)).toThrow();
    expect(service.list()).toEqual([before]);
  });

  it('keeps a target with its secrets when none is given, and only keys when another is', () => {
    const { id } = service.create(wanted(), by);
    const keys = (): unknown => (outbox.channel(id)!.target as { secrets?: unknown }).secrets;
    const made = keys();
    service.update(id, { ...wanted(), target: undefined }, by);
    expect(outbox.channel(id)!.target).toMatchObject({
      url: 'https://hooks.example.com/in?key=sample',
      secrets: made,
    });
    service.update(id, wanted({ target: { kind: 'webhook', url: 'https://other.example.com/' } }), by);
    expect(keys()).toEqual(made);
    const ocsf = { kind: 'ocsf', url: 'https://lake.example.com/', authorization: 'Bearer sample' };
    service.update(id, wanted({ target: ocsf }), by);
    service.update(id, wanted({ target: { kind: 'ocsf', url: 'https://elsewhere.example.com/' } }), by);
    expect(outbox.channel(id)!.target).not.toHaveProperty('authorization');
  });

  it('rotates the keys of a webhook, with or without the one before', () => {
    const { id, secret } = service.create(wanted(), by);
    const second = service.rotateSecret(id, { keepPrevious: true }, by).secret;
    const third = service.rotateSecret(id, { keepPrevious: true }, by).secret;
    expect(outbox.channel(id)!.target).toMatchObject({ secrets: [third, second] });
    const last = service.rotateSecret(id, { keepPrevious: false }, by).secret;
    expect(outbox.channel(id)!.target).toMatchObject({ secrets: [last] });
    expect(new Set([secret, second, third, last]).size).toBe(4);
    const stdout = service.create(wanted({ target: { kind: 'stdout' } }), by);
    expect(codeOf(() => service.rotateSecret(stdout.id, { keepPrevious: true }, by))).toBe('invalid_body');
  });

  it.each([
    { kind: 'webhook', url: 'http://127.0.0.1:8080/' },
    { kind: 'webhook', url: 'http://[::ffff:10.0.0.1]/' },
    { kind: 'slack', url: 'https://169.254.169.254/latest' },
    { kind: 'ocsf', url: 'https://localhost/' },
    { kind: 'syslog', host: '10.0.0.1' },
    { kind: 'email', host: '::1', from: 'audit@example.com', to: ['ops@example.com'] },
  ])('refuses a target that is plainly private: %j', (target) => {
    expect(codeOf(() => service.create(wanted({ target }), by))).toBe('target_refused');
    const { id } = service.create(wanted(), by);
    expect(codeOf(() => service.update(id, wanted({ target }), by))).toBe('target_refused');
    expect(service.list()).toHaveLength(1);
  });

  it('has bounds', () => {
    for (let i = 0; i < 256; i++) service.create(wanted({ target: { kind: 'stdout' } }), by);
    expect(codeOf(() => service.create(wanted(), by))).toBe('too_many_channels');
  });

  it('keeps what it records of a long filter within an entry', () => {
    const rules = Array.from({ length: 256 }, (_, i) => `${i} ${'r'.repeat(250)}`);
    service.create(wanted({ filter: { rules, tenants: rules } }), by);
    expect(JSON.stringify(acts[0]).length).toBeLessThan(16_000);
  });

  it('tells how a test ended, which is beside the line', async () => {
    const { id } = service.create(wanted({ isEnabled: false }), by);
    expect(await service.test(id, by)).toEqual({ isDelivered: true, error: null });
    outcome = { kind: 'refused', error: 'HTTP 404' };
    expect(await service.test(id, by)).toEqual({ isDelivered: false, error: 'HTTP 404' });
    expect(service.get(id)).toMatchObject({ waiting: 0, lastDeliveredAt: null });
    expect(actions()).toEqual(['channel.create', 'channel.test', 'channel.test']);
    closing.abort();
    expect(await codeOfPromise(service.test(id, by))).toBe('shutting_down');
  });

  it('shows dead letters, sends them again and removes them', () => {
    const { id } = service.create(wanted(), by);
    for (let i = 1; i <= 3; i++) outbox.enqueue(id, numbered(i), 0);
    for (let i = 0; i < 3; i++)
      outbox.settle([
        { kind: 'dead', error: 'HTTP 400', channel: id, atMs: 1, seq: outbox.head(id, 0)!.seq },
      ]);
    expect(service.get(id)).toMatchObject({ waiting: 0, dead: 3, lastError: 'HTTP 400' });
    expect(service.deadLetters(id).map((letter) => letter.id)).toEqual([3, 2, 1].map((i) => numbered(i).id));
    wakes = 0;
    expect(service.retry(id, [numbered(1).id], by)).toBe(1);
    expect(wakes).toBe(1);
    expect(service.discard(id, [numbered(2).id], by)).toBe(1);
    expect(codeOf(() => service.discard(id, [numbered(2).id], by))).toBe('dead_letter_not_found');
    expect(service.discard(id, undefined, by)).toBe(1);
    expect(service.discard(id, undefined, by)).toBe(0);
    expect(service.retry(id, undefined, by)).toBe(0);
    expect(service.get(id)).toMatchObject({ waiting: 1, dead: 0 });
    expect(actions()).toEqual(['channel.create', 'channel.retry', 'channel.discard', 'channel.discard']);
  });

  it('disables a channel whose other end is gone, as an act of its own', () => {
    const { id } = service.create(wanted(), by);
    service.disableGone(id, 'HTTP 410');
    service.disableGone(id, 'HTTP 410');
    service.disableGone('chn_unknown', 'HTTP 410');
    expect(service.get(id)).toMatchObject({ isEnabled: false, disabledBecause: 'HTTP 410' });
    expect(acts.slice(1)).toMatchObject([
      { action: 'channel.disable', actor: { type: 'system' }, metadata: { because: 'HTTP 410' } },
    ]);
    service.update(id, { ...wanted(), target: undefined }, by);
    expect(service.get(id)).toMatchObject({ isEnabled: true, disabledBecause: null });
  });

  it('tries again at once when a channel is changed', () => {
    const { id } = service.create(wanted(), by);
    outbox.enqueue(id, numbered(1), 0);
    outbox.settle([
      {
        kind: 'failed',
        error: 'HTTP 503',
        channel: id,
        atMs: 1,
        seq: outbox.head(id, 0)!.seq,
        retryAtMs: 3_600_000,
        giveUpBeforeMs: 0,
      },
    ]);
    expect(service.get(id).retryAt).toBe('1970-01-01T01:00:00.000Z');
    service.update(id, { ...wanted(), target: undefined }, by);
    expect(service.get(id).retryAt).toBeNull();
  });

  it('knows no other channels', async () => {
    const id = 'chn_aaaaaaaaaaaaaaaa';
    for (const act of [
      () => service.get(id),
      () => service.update(id, wanted(), by),
      () => service.remove(id, by),
      () => service.rotateSecret(id, { keepPrevious: true }, by),
      () => service.deadLetters(id),
      () => service.retry(id, undefined, by),
      () => service.discard(id, undefined, by),
    ])
      expect(codeOf(act)).toBe('channel_not_found');
    expect(await codeOfPromise(service.test(id, by))).toBe('channel_not_found');
  });
});
