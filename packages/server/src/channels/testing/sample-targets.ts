import { type ChannelKind, type ChannelTarget, channelTargetSchema } from '@sealtrail/core';

/** A key of Standard Webhooks for tests. */
export const sampleSecret: string = `whsec_${Buffer.from('a key of 32 bytes for the tests!').toString('base64')}`;

const given = {
  webhook: [{ url: 'https://hooks.example.com/in', secrets: [sampleSecret] }],
  slack: [{ url: 'https://chat.example.com/services/T0/B0/x' }],
  teams: [{ url: 'https://flow.example.com/workflows/1' }],
  pagerduty: [{ routingKey: '0'.repeat(32) }],
  email: [{ host: 'mail.example.com', from: 'audit@example.com', to: ['ops@example.com'] }],
  syslog: [
    { host: 'logs.example.com' },
    { host: 'logs.example.com', transport: 'udp', port: 514 },
    { host: 'logs.example.com', format: 'cef' },
    { host: 'logs.example.com', format: 'cef', transport: 'udp', port: 514 },
  ],
  ocsf: [{ url: 'https://lake.example.com/in', authorization: 'Bearer sample' }],
  stdout: [{}, { format: 'ocsf' }],
} as const satisfies Record<ChannelKind, readonly object[]>;

/** Every kind of target, in each of its formats, by a name. */
export const sampleTargets: readonly (readonly [name: string, target: ChannelTarget])[] = Object.entries(
  given,
).flatMap(([kind, targets]) =>
  targets.map((target, i) => [`${kind} ${i}`, channelTargetSchema.parse({ kind, ...target })] as const),
);

/** The first of a kind. */
export function sampleTarget<Kind extends ChannelKind>(kind: Kind): Extract<ChannelTarget, { kind: Kind }> {
  const found = sampleTargets.find(([, target]) => target.kind === kind);
  return found![1] as Extract<ChannelTarget, { kind: Kind }>;
}
