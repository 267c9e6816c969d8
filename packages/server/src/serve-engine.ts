import { type CreatedToken, compileClientAddress } from '@sealtrail/core';
import { ensureFirstAdmin } from './access/first-admin.ts';
import { createApp } from './http/app.ts';
import { createMetrics } from './http/metrics.ts';
import { HttpServer } from './http/server.ts';
import { defaultIngestLimits } from './ingest/ingest.ts';
import { MemoryBudget } from './ingest/memory-budget.ts';
import { listenFailure } from './listen-failure.ts';
import { type Engine, startError } from './main.ts';
import { packageVersion } from './package-version.ts';

/** Memory for request bodies that are arriving; at least a few of the largest ones. */
const bodyMemoryBytes = 256 * 1024 * 1024;

/** Serves an engine over HTTP; resolves when it listens. @throws SealtrailError address_unavailable */
export async function serveEngine(engine: Engine): Promise<HttpServer> {
  const { config, log, search } = engine;
  const closing = new AbortController();
  const server = new HttpServer({ drainMs: config.drainMs, closing });
  const total = (size: (trail: string) => number): number =>
    log.trails().reduce((sum, { name }) => sum + size(name), 0);
  const metrics = createMetrics({
    queuedBytes: () => log.queuedBytes,
    entries: () => total((trail) => log.trail(trail)?.size ?? 0),
    indexedEntries: () => total((trail) => search.indexedSize(trail)),
    detection: () => engine.detection.counts,
    isDetecting: () => engine.detection.state === 'ready',
    witnesses: () => engine.witnessing?.counts ?? [],
  });
  log.listen({ publishFailed: () => metrics.publishFailures.inc() });
  const app = createApp({
    version: packageVersion(),
    log,
    reader: engine.reader,
    checkpoints: engine.checkpoints,
    search,
    detection: engine.detection,
    backtests: engine.backtests,
    ruleChanges: engine.ruleChanges,
    intake: engine.intake,
    ingestLimits: { ...defaultIngestLimits, maxBodyBytes: config.maxBodyBytes },
    bodyMemory: new MemoryBudget({
      maxBytes: Math.max(bodyMemoryBytes, 4 * config.maxBodyBytes),
      maxHolderBytes: Math.max(bodyMemoryBytes / 4, 2 * config.maxBodyBytes),
    }),
    tokens: engine.tokens,
    producers: engine.state,
    deadLetters: engine.state.deadLetters,
    system: engine.system,
    clientAddress: compileClientAddress(config.trustProxy),
    metrics,
    logger: engine.logger,
    now: Date.now,
    isDraining: () => server.isDraining,
    closing: closing.signal,
  });
  await server.listen(app, config.host, config.port).catch((cause: NodeJS.ErrnoException) => {
    throw listenFailure(cause, config.host, config.port);
  });
  return server;
}

/**
 * Makes an admin token and shows it to the operator, this once, where there has never been one and the configuration has
 * none. Call it when the server listens: of a start that fails nobody keeps the output, and no start after it would show
 * the token again.
 *
 * @throws SealtrailError storage_unavailable
 */
export async function showFirstToken(engine: Engine, show: (token: CreatedToken) => void): Promise<void> {
  if (engine.config.adminToken !== undefined) return;
  try {
    await ensureFirstAdmin(engine, show);
  } catch (error) {
    throw startError(engine.config, error);
  }
}
