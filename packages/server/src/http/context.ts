import type { HttpBindings } from '@hono/node-server';
import type { ClientAddress } from '@sealtrail/core';
import type { Context } from 'hono';
import type { Logger } from 'pino';
import type { SystemTrail } from '../access/system-trail.ts';
import type { Tokens } from '../access/tokens.ts';
import type { DetectionAccess } from '../followers/detect/detection-client.ts';
import type { ShownCheckpoints } from '../followers/witness/witnessed-checkpoints.ts';
import type { IngestLimits } from '../ingest/ingest.ts';
import type { Intake } from '../ingest/intake.ts';
import type { MemoryBudget } from '../ingest/memory-budget.ts';
import type { DeadLetterStore, EventSearch, ProducerStore, TileReader } from '../ports.ts';
import type { Backtests } from '../rules/backtests.ts';
import type { RuleChanges } from '../rules/rule-changes.ts';
import type { LogClient } from '../sequencer/log-client.ts';
import type { Metrics } from './metrics.ts';

/** Everything that routes work with; made by the composition root. */
export interface HttpParts {
  readonly version: string;
  readonly log: LogClient;
  readonly reader: TileReader;
  readonly checkpoints: ShownCheckpoints;
  readonly search: EventSearch;
  readonly detection: DetectionAccess;
  readonly backtests: Backtests;
  readonly ruleChanges: RuleChanges;
  readonly intake: Intake;
  readonly ingestLimits: IngestLimits;
  readonly bodyMemory: MemoryBudget;
  readonly tokens: Tokens;
  readonly producers: ProducerStore;
  readonly deadLetters: DeadLetterStore;
  readonly system: SystemTrail;
  /** Whom a request comes from, by the peer of its connection and what trusted proxies say. */
  readonly clientAddress: ClientAddress;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly now: () => number;
  /** True from the moment the server is asked to stop. */
  readonly isDraining: () => boolean;
  /** Aborted when the server closes: ends streams. */
  readonly closing: AbortSignal;
}

/** Hono's environment of this application. */
export interface HttpEnv {
  Bindings: HttpBindings;
}

export type HttpContext = Context<HttpEnv>;
