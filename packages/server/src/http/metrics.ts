import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { DetectionCounts } from '../followers/detect/protocol.ts';
import type { WitnessCounts } from '../followers/witness/witness-line.ts';

/** What `/metrics` shows. Labels are bounded: no trail, tenant or token names; those of witnesses are configured. */
export interface Metrics {
  readonly registry: Registry;
  readonly events: Counter;
  /** Outcomes: accepted, duplicate, skipped, dead. */
  readonly sourceRecords: Counter<'source' | 'outcome'>;
  readonly refusedRequests: Counter<'code'>;
  readonly requests: Histogram<'method' | 'route' | 'status'>;
  readonly authenticationFailures: Counter;
  readonly publishFailures: Counter;
}

/** The measurements that are asked for when metrics are collected. */
export interface MetricSources {
  readonly queuedBytes: () => number;
  readonly entries: () => number;
  readonly indexedEntries: () => number;
  readonly detection: () => DetectionCounts;
  readonly isDetecting: () => boolean;
  readonly witnesses: () => readonly WitnessCounts[];
}

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge('sealtrail_queued_bytes', 'Bytes of entries that wait for a commit.', sources.queuedBytes);
  gauge('sealtrail_entries', 'Entries in all trails.', sources.entries);
  gauge('sealtrail_indexed_entries', 'Entries in all trails that are searchable.', sources.indexedEntries);
  gauge('sealtrail_detection_up', 'Whether rules follow the log.', () => Number(sources.isDetecting()));
  const witnessed = (
    name: string,
    help: string,
    set: (gauge: Gauge<'witness' | 'code'>, counts: WitnessCounts) => void,
    labelNames: readonly ('witness' | 'code')[] = ['witness'],
  ): Gauge<'witness' | 'code'> =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        for (const counts of sources.witnesses()) set(this, counts);
      },
    });
  witnessed(
    'sealtrail_witness_cosignatures',
    'Checkpoints that a witness has cosigned. Since the start.',
    (gauge, { witness, cosignatures }) => gauge.set({ witness }, cosignatures),
  );
  witnessed(
    'sealtrail_witness_last_cosignature_timestamp_seconds',
    'When a witness has cosigned last; absent before it has, since the start.',
    (gauge, { witness, lastSignedMs }) => {
      if (lastSignedMs !== undefined) gauge.set({ witness }, lastSignedMs / 1000);
    },
  );
  witnessed(
    'sealtrail_witness_failures',
    'Requests that a witness has not answered with a cosignature, by why. Since the start.',
    (gauge, { witness, failures }) => {
      for (const [code, count] of Object.entries(failures)) gauge.set({ witness, code }, count);
    },
    ['witness', 'code'],
  );
  const detected = (name: string, help: string, read: (counts: DetectionCounts) => number): Gauge =>
    gauge(name, `${help} Since detection was started.`, () => read(sources.detection()));
  detected('sealtrail_detected_entries', 'Entries held against rules.', ({ entries }) => entries);
  detected('sealtrail_late_events', 'Events too late for correlations.', ({ lateEvents }) => lateEvents);
  detected(
    'sealtrail_detection_gave_up',
    'Values and gaps that correlations gave up because they were more than they may hold.',
    ({ gaveUp }) => gaveUp,
  );
  detected('sealtrail_opened_alerts', 'Alerts opened.', ({ openedAlerts }) => openedAlerts);
  const waiting = (name: string, help: string, read: (counts: DetectionCounts) => number): Gauge =>
    gauge(name, help, () => read(sources.detection()));
  waiting('sealtrail_detection_behind', 'Entries not held against rules yet.', ({ behind }) => behind);
  waiting(
    'sealtrail_detection_waiting_acts',
    'Acts of detection that are not in the trail system yet.',
    ({ waitingActs }) => waitingActs,
  );
  waiting('sealtrail_notifications_waiting', 'Notifications on their way.', (counts) => counts.waiting);
  waiting('sealtrail_notifications_dead', 'Notifications that were given up.', ({ dead }) => dead);
  return {
    registry,
    events: new Counter({ name: 'sealtrail_events_total', help: 'Events acknowledged.', registers }),
    sourceRecords: new Counter({
      name: 'sealtrail_source_records_total',
      help: 'Records of imported sources, by what became of them.',
      labelNames: ['source', 'outcome'],
      registers,
    }),
    refusedRequests: new Counter({
      name: 'sealtrail_refused_requests_total',
      help: 'Requests answered with an error.',
      labelNames: ['code'],
      registers,
    }),
    requests: new Histogram({
      name: 'sealtrail_http_request_duration_seconds',
      help: 'Duration of HTTP requests.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
      registers,
    }),
    authenticationFailures: new Counter({
      name: 'sealtrail_authentication_failures_total',
      help: 'Requests without a valid token.',
      registers,
    }),
    publishFailures: new Counter({
      name: 'sealtrail_publish_failures_total',
      help: 'Checkpoints that could not be published; they are tried again.',
      registers,
    }),
  };
}
