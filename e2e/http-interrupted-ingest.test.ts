import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type IngestProblem, type IngestResponse, ingestProblemSchema } from '@sealtrail/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { groupOf, risingId } from '../packages/server/src/sequencer/testing/sent.ts';
import { type Answer, adminSecret, problemOf, startServer, type TestServer } from './support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const ndjson = { 'content-type': 'application/x-ndjson' };

const post = (
  to: TestServer,
  body: NonNullable<RequestInit['body']> | AsyncIterable<Uint8Array>,
  { query = '?partial=true', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
): Promise<Answer> =>
  to.send(`/v1/events${query}`, {
    method: 'POST',
    body:
      typeof body === 'object' && Symbol.asyncIterator in body && !ArrayBuffer.isView(body)
        ? ReadableStream.from(body)
        : body,
    headers: { ...ndjson, ...headers },
    duplex: 'half',
  } as RequestInit);

const bad = '{"action":7}';
/** Lines without ids, which only their receipts tell from each other once they are sent; every 700th is no event. */
const linesOf = (count: number): string[] =>
  Array.from({ length: count }, (_, n) =>
    n % 700 === 699 ? bad : `{"action":"bulk","metadata":{"n":${n}}}`,
  );
const isGood = (line: string): boolean => line !== bad;
const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

type Interruption = IngestProblem & Pick<IngestResponse, 'receipts'> & { readonly decided: number };
const interruptionOf = (answer: Answer): Interruption => {
  const problem = ingestProblemSchema.parse(problemOf(answer));
  expect(problem.decided).toBeGreaterThan(0);
  return problem as Interruption;
};

/** Sends lines until all are decided, as a producer does while the queue is full; gives the number of receipts. */
async function storeRest(to: TestServer, lines: readonly string[]): Promise<number> {
  let receipts = 0;
  for (let sent = 0; ; await sleep(50)) {
    const answer = await post(to, textOf(lines.slice(sent)));
    const outcome = JSON.parse(answer.text) as IngestResponse & Partial<Interruption>;
    receipts += outcome.receipts?.length ?? 0;
    if (answer.status !== 503) {
      expect(answer.status).toBe(201);
      return receipts;
    }
    sent += outcome.decided ?? 0;
  }
}

/** Every event before `decided` has a receipt, which finds it in the log, or an error; sent again, each is there once. */
async function expectResumable(
  to: TestServer,
  lines: readonly string[],
  problem: Interruption,
  before: number,
): Promise<void> {
  const { receipts, errors = [], decided } = problem;
  const decidedLines = lines.slice(0, decided);
  expect(errors.map(({ position }) => position)).toEqual(
    decidedLines.flatMap((line, n) => (isGood(line) ? [] : [n])),
  );
  const stored = decidedLines.filter(isGood);
  expect(receipts).toHaveLength(stored.length);
  const entries = to.entries('main', before).filter(({ action }) => action === 'bulk');
  expect(entries.map(({ id, metadata }) => [id, metadata])).toEqual(
    receipts.map(({ id }, i) => [id, JSON.parse(stored[i]!).metadata]),
  );
  expect(await storeRest(to, lines.slice(decided))).toBe(lines.slice(decided).filter(isGood).length);
  const all = to.entries('main', before).filter(({ action }) => action === 'bulk');
  expect(all.map(({ metadata }) => metadata)).toEqual(
    lines.filter(isGood).map((line) => JSON.parse(line).metadata),
  );
}

describe('partial=true that fails midway says what was stored', () => {
  it('when the body cannot be decoded to its end', async () => {
    const lines = linesOf(2500);
    const bytes = gzipSync(textOf(lines));
    bytes.writeUInt32LE(bytes.readUInt32LE(bytes.length - 8) ^ 1, bytes.length - 8);
    const before = server.size();
    const answer = await post(server, new Uint8Array(bytes), { headers: { 'content-encoding': 'gzip' } });
    const problem = interruptionOf(answer);
    expect([answer.status, problem.code]).toEqual([400, 'malformed_json']);
    await expectResumable(server, lines, problem, before);
  });

  it('when it has more events than a request may have, while more of them arrive', async () => {
    const lines = linesOf(110_000);
    const before = server.size();
    const answer = await post(server, textOf(lines));
    const problem = interruptionOf(answer);
    expect([answer.status, problem.code]).toEqual([413, 'body_too_large']);
    expect(problem.decided).toBeGreaterThan(99_000);
    await expectResumable(server, lines, problem, before);
  });

  it('when the queue is full, with when to come again', async () => {
    await using small = await startServer({ maxQueuedBytes: 65_536 });
    const lines = linesOf(40_000);
    let isAnswered = false;
    /** Keeps something in the queue, which a group of lines finds there. */
    const keepBusy = async (from: number): Promise<void> => {
      for (let i = from; !isAnswered; i += 4) await small.engine.log.append(groupOf([{ id: risingId(i) }]));
    };
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(textOf(lines.slice(0, 1500)));
      while (small.size() === 0) await sleep(2);
      for (const from of [0, 1, 2, 3]) void keepBusy(from);
      for (let n = 1500; n < lines.length && !isAnswered; n += 500) {
        yield Buffer.from(textOf(lines.slice(n, n + 500)));
        await sleep(1);
      }
    }
    const answer = await post(small, body()).finally(() => {
      isAnswered = true;
    });
    const problem = interruptionOf(answer);
    expect([answer.status, problem.code]).toEqual([503, 'overloaded']);
    expect(answer.headers.get('retry-after')).toBe('1');
    await expectResumable(small, lines, problem, 0);
  });

  it('when the log ends', async () => {
    await using ending = await startServer();
    const lines = linesOf(2500);
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(textOf(lines.slice(0, 1500)));
      while (ending.size() === 0) await sleep(2);
      await ending.engine.log.close();
      yield Buffer.from(textOf(lines.slice(1500)));
    }
    const problem = interruptionOf(await post(ending, body()));
    expect([problem.code, problem.decided, problem.receipts.length]).toEqual(['shutting_down', 1001, 1000]);
  });
});

describe('a request that fails says nothing of receipts', () => {
  it('when it had stored nothing', async () => {
    const bytes = gzipSync(textOf(linesOf(500)));
    const before = server.size();
    const problem = problemOf(
      await post(server, new Uint8Array(bytes.subarray(0, bytes.length - 4)), {
        headers: { 'content-encoding': 'gzip' },
      }),
    );
    expect(problem.code).toBe('malformed_json');
    expect(problem).not.toHaveProperty('decided');
    expect(problem).not.toHaveProperty('receipts');
    expect(server.size()).toBe(before);
  });

  it('when it is all or nothing', async () => {
    const bytes = gzipSync(textOf(linesOf(2500)));
    const before = server.size();
    const problem = problemOf(
      await post(server, new Uint8Array(bytes.subarray(0, bytes.length - 4)), {
        query: '',
        headers: { 'content-encoding': 'gzip' },
      }),
    );
    expect(problem.code).toBe('malformed_json');
    expect(problem).not.toHaveProperty('decided');
    expect(server.size()).toBe(before);
  });
});

it('a stream that its sender breaks off keeps what was stored, and the server goes on', async () => {
  const before = server.size();
  await new Promise<void>((resolve) => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname, async () => {
      socket.write(
        `POST /v1/events?partial=true HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${adminSecret}\r\ncontent-type: application/x-ndjson\r\ncontent-length: 1000000\r\n\r\n`,
      );
      socket.write(textOf(linesOf(1500)));
      while (server.size() === before) await sleep(2);
      socket.destroy();
    });
    socket.on('close', () => resolve());
    socket.on('error', () => {});
  });
  await server.record({ action: 'next' });
  expect(server.size()).toBe(before + 1000 + 1);
  expect(server.logs.filter((line) => line.includes('"level":50'))).toEqual([]);
});
