import { parentPort, workerData } from 'node:worker_threads';
import { dataFolder } from '../adapters/fs/data-folder.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import { EventIndex } from '../followers/index/event-index.ts';
import type { IndexReply, IndexRequest } from '../followers/index/index-protocol.ts';
import { failureOf } from './failure.ts';

/** What the index thread is started with. */
export interface IndexThreadOptions {
  readonly dir: string;
}

/** Longest wait of a query for entries that are not searchable yet. */
const maxWaitMs = 10_000;

/** The thread that follows the log into the search index and answers searches. */
async function handle(
  index: EventIndex,
  request: IndexRequest,
  reply: (reply: IndexReply) => void,
): Promise<void> {
  if (request.kind === 'grew') {
    for (const [trail, size] of request.sizes) index.grew(trail, size);
    return;
  }
  try {
    if (request.kind === 'close') {
      await index[Symbol.asyncDispose]();
      reply({ kind: 'answer', request: request.request, result: undefined });
      return;
    }
    const { after, trail } = request.query;
    if (after !== undefined) await index.waitFor(trail, after, maxWaitMs);
    reply({
      kind: 'answer',
      request: request.request,
      result: request.kind === 'query' ? index.query(request.query) : index.stats(request.query),
    });
  } catch (error) {
    reply({ kind: 'requestFailed', request: request.request, failure: failureOf(error) });
  }
}

if (parentPort) {
  const port = parentPort;
  const reply = (message: IndexReply): void => port.postMessage(message);
  try {
    const folder = dataFolder((workerData as IndexThreadOptions).dir);
    const log = new SqliteLogReader(folder.log);
    const index = EventIndex.open({
      dir: folder.index,
      log,
      onIndexed: (sizes) => reply({ kind: 'indexed', sizes }),
    });
    port.on('message', (request: IndexRequest) => {
      void handle(index, request, reply).then(() => {
        if (request.kind !== 'close') return;
        log[Symbol.dispose]();
        port.close();
      });
    });
  } catch (error) {
    reply({ kind: 'fatal', failure: failureOf(error) });
    port.close();
  }
}
