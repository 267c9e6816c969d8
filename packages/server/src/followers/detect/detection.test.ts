import type { Notification } from '@sealtrail/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SqliteActStore } from '../../adapters/sqlite/act-store.ts';
import { SqliteAlertStore } from '../../adapters/sqlite/alert-store.ts';
import { openDetectionDatabase } from '../../adapters/sqlite/detection-database.ts';
import { SqliteDetectionStore } from '../../adapters/sqlite/detection-store.ts';
import { SqliteLogReader } from '../../adapters/sqlite/log-reader.ts';
import { SqliteRuleStore } from '../../adapters/sqlite/rule-store.ts';
import type { StoredFinding } from '../../detection-ports.ts';
import { startLog } from '../../sequencer/testing/start-log.ts';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import type { NotifiedChannel } from '../alert/notified-channel.ts';
import { channel, finding } from '../alert/testing/kept-book.ts';
import { Detection } from './detection.ts';

const rules = `
title: Failed sign-in
name: failed
logsource: {product: sealtrail}
detection: {selection: {action: user.login}, condition: selection}
---
title: Guessing
name: guessing
correlation: {type: event_count, rules: [failed], group-by: [actor.id], timespan: 1m, condition: {gte: 4}}
`;
const by = { actor: { type: 'system' } } as const;

let stack: AsyncDisposableStack;
let channels: readonly NotifiedChannel[];
let told: string[];
let errors: unknown[];
/** What the next transaction fails with. */
let failure: Error | undefined;
let db: ReturnType<typeof openDetectionDatabase>;
let start: () => Detection;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  [channels, told, errors, failure] = [[], [], [], undefined];
  const folder = stack.use(temporaryFolder());
  const { log } = stack.use(startLog(folder));
  await log.ready;
  await log.createTrail('main');
  const reader = stack.use(new SqliteLogReader(folder.log));
  db = openDetectionDatabase(folder.detection);
  stack.defer(() => void db.close());
  start = () =>
    new Detection({
      log,
      reader,
      transaction: (work) =>
        db.transaction(() => {
          const done = work();
          if (failure) throw failure;
          return done;
        })(),
      findings: new SqliteDetectionStore(db),
      alerts: new SqliteAlertStore(db),
      acts: new SqliteActStore(db),
      rules: new SqliteRuleStore(db),
      builtIn: [{ name: 'rules.yml', text: rules }],
      channels: {
        channels: () => channels,
        enqueue: (_, { data }: Notification) => void told.push(data.alert.id),
      },
      latenessMs: 1000,
      ...{ locate: undefined, spillOf: undefined, now: Date.now },
      newId: (prefix) => `${prefix}${'a'.repeat(16)}`,
      record: async () => {},
      ...{ onAlerts: () => {}, onNotifications: () => {} },
      onError: (error) => {
        errors.push(error);
        failure = undefined;
      },
    });
});
afterEach(() => stack.disposeAsync());

/** Alerts about so many actors. */
function found(detection: Detection, count: number): void {
  const nowMs = Date.now();
  const findings = Array.from(
    { length: count },
    (_, n): StoredFinding =>
      finding({ startMs: nowMs, endMs: nowMs, entries: [], entity: { 'actor.id': `u_${n}` } }),
  );
  const until = new Date(nowMs + 1).toISOString();
  const part = { ...{ entries: 0, from: 0, to: 0, sinceMs: 0, finalMs: nowMs }, findings };
  detection.addFindings(
    { trail: 'main', since: until, until },
    {
      digest: detection.rules.rulesForBacktest(undefined).digest,
      found: { ...part, exactFromMs: new Map([['guessing', 0]]) },
    },
    by,
  );
}

async function haveBeenTold(count: number): Promise<void> {
  while (told.length < count) await new Promise((resolve) => setTimeout(resolve, 2));
}

it('tells a channel that is new of all 1,200 alerts that are open, each once', async () => {
  await using detection = start();
  found(detection, 1200);
  channels = [channel('chn_1')];
  detection.catchUpChannels();
  expect(told.length).toBeLessThan(1200);
  await haveBeenTold(1200);
  expect(new Set(told).size).toBe(1200);
  expect(errors).toEqual([]);
});

it('goes on where a part of them could not be written', async () => {
  await using detection = start();
  found(detection, 600);
  channels = [channel('chn_1')];
  failure = new Error('disk I/O error');
  const written = told.length;
  detection.catchUpChannels();
  expect(errors).toEqual([new Error('disk I/O error')]);
  // What was undone reached nobody.
  told.splice(written);
  await haveBeenTold(600);
  expect(new Set(told).size).toBe(600);
});

it('goes on after a stop midway', async () => {
  {
    await using detection = start();
    found(detection, 1200);
    channels = [channel('chn_1')];
    detection.catchUpChannels();
  }
  expect(told.length).toBeLessThan(1200);
  await using _ = start();
  await haveBeenTold(1200);
  expect(new Set(told).size).toBe(1200);
});
