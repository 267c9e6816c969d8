import { z } from 'zod';
import { severities, trailName } from '../event/event.ts';
import { eventLimits } from '../event/limits.ts';
import { alertId, alertSchema } from './alerts.ts';
import { text } from './text.ts';

export const channelId = z.string().regex(/^chn_[a-z2-7]{16}$/, 'expected the id of a channel');

const url = z
  .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
  .max(2048)
  .refine((value) => !/^[a-z]+:\/*[^/?#\\]*@/i.test(value), 'expected a URL without a user or a password')
  .meta({
    description: 'Private and link-local addresses are refused unless the server is told to allow them.',
  });
const host = text(253)
  .regex(
    /^(?:[A-Za-z0-9._-]+|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f.:]*)$/,
    'expected a host name or an address, without a port',
  )
  .meta({ description: 'A name or an address. As with URLs, private ones are refused.' });
const port = z.int().min(1).max(65_535);
const mail = z.email('expected an e-mail address').max(eventLimits.email);
/** A secret is taken and never given back. */
const secret = (maxLength: number): z.ZodString => text(maxLength);

/** Where a channel leads to, by kind: what a kind needs, and nothing else. Secrets are among it. */
export const channelTargets = {
  webhook: z.strictObject({
    kind: z.literal('webhook'),
    url,
    secrets: z
      .array(
        secret(256).regex(
          /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/,
          'expected whsec_ and base64 of 24 to 64 bytes',
        ),
      )
      .min(1)
      .max(4)
      .optional()
      .meta({
        description:
          'Keys of Standard Webhooks; each signs, so that a new one can be added before an old one goes. Absent: one is made and shown once.',
      }),
  }),
  slack: z.strictObject({ kind: z.literal('slack'), url }),
  teams: z.strictObject({ kind: z.literal('teams'), url }),
  pagerduty: z.strictObject({
    kind: z.literal('pagerduty'),
    routingKey: secret(64).regex(/^[A-Za-z0-9]{32}$/, 'expected an integration key of 32 characters'),
    url: url.default('https://events.pagerduty.com/v2/enqueue'),
  }),
  email: z
    .strictObject({
      kind: z.literal('email'),
      host,
      port: port.default(587),
      security: z.enum(['tls', 'starttls', 'none']).default('starttls').meta({
        description: 'tls from the first byte (port 465), starttls, which is insisted on, or none.',
      }),
      user: text(256).optional(),
      password: secret(1024).optional(),
      from: mail,
      to: z.array(mail).min(1).max(50),
    })
    .refine(({ user, password }) => (user === undefined) === (password === undefined), {
      path: ['password'],
      error: 'expected a user and a password, or neither',
    })
    .refine(({ security, password }) => security !== 'none' || password === undefined, {
      path: ['security'],
      error: 'expected tls or starttls: a password is not sent in the clear',
    }),
  syslog: z.strictObject({
    kind: z.literal('syslog'),
    host,
    port: port.default(6514),
    transport: z.enum(['tls', 'tcp', 'udp']).default('tls'),
    format: z.enum(['rfc5424', 'cef']).default('rfc5424').meta({
      description: 'What the message holds: structured data (RFC 5424), or the Common Event Format.',
    }),
  }),
  ocsf: z.strictObject({
    kind: z.literal('ocsf'),
    url,
    authorization: secret(1024)
      .regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'expected a header value of printable ASCII')
      .optional()
      .meta({ description: 'Value of the header Authorization.' }),
  }),
  stdout: z.strictObject({
    kind: z.literal('stdout'),
    format: z.enum(['json', 'ocsf']).default('json'),
  }),
} as const;
export const channelTargetSchema = z.discriminatedUnion('kind', [
  channelTargets.webhook,
  channelTargets.slack,
  channelTargets.teams,
  channelTargets.pagerduty,
  channelTargets.email,
  channelTargets.syslog,
  channelTargets.ocsf,
  channelTargets.stdout,
]);
/** Where a channel leads to, with its secrets. */
export type ChannelTarget = z.output<typeof channelTargetSchema>;
export type ChannelKind = ChannelTarget['kind'];

/** Which alerts a channel is for; all that is given must hold. */
const channelFilterSchema = z.strictObject({
  minLevel: z.enum(severities).default('medium'),
  rules: z.array(text(256)).min(1).max(256).optional().meta({ description: 'Keys of rules. Absent: all.' }),
  trails: z.array(trailName).min(1).max(256).optional(),
  tenants: z.array(text(eventLimits.shortText)).min(1).max(256).optional(),
});

const duration = (example: string): z.ZodInt =>
  z
    .int()
    .min(0)
    .max(30 * 86_400_000)
    .meta({ description: example });
/** When it is told of an alert, as in Alertmanager. */
const channelTimersSchema = z.strictObject({
  waitMs: duration('From the opening of an alert to its first notification.').default(0),
  intervalMs: duration('Between two notifications of an alert that goes on changing.').default(300_000),
  repeatMs: duration('Until an alert that nobody has taken up is told of again; 0: never.').default(
    14_400_000,
  ),
});

export const newChannelSchema = z
  .strictObject({
    name: text(128),
    target: channelTargetSchema,
    filter: channelFilterSchema.default({ minLevel: 'medium' }),
    timers: channelTimersSchema.default({ waitMs: 0, intervalMs: 300_000, repeatMs: 14_400_000 }),
    personalData: z.boolean().default(false).meta({
      description:
        'Whether names and full addresses leave the server through it. Otherwise actors are told by id and addresses by their network.',
    }),
    isEnabled: z.boolean().default(true),
  })
  .meta({ id: 'NewChannel' });
export type NewChannel = z.output<typeof newChannelSchema>;

/** What a channel becomes: everything is given, but for the target, which with its secrets may stay as it is. */
export const channelUpdateSchema = newChannelSchema
  .extend({
    target: channelTargetSchema.optional().meta({
      description:
        'Absent: it stays. Given: whole, with its secrets, since those it had are for nobody else; only the keys of a webhook stay when none are given.',
    }),
  })
  .meta({ id: 'ChannelUpdate' });
export type ChannelUpdate = z.output<typeof channelUpdateSchema>;

/** A channel as it is shown: secrets are told by their number alone. */
export const channelSchema = z
  .strictObject({
    id: channelId,
    name: z.string(),
    target: z.looseObject({ kind: z.enum(Object.keys(channelTargets) as [ChannelKind]) }).meta({
      description:
        'As it was given, without its secrets: of keys their number, of URLs no query, and no path where that is the secret.',
    }),
    filter: channelFilterSchema,
    timers: channelTimersSchema,
    personalData: z.boolean(),
    isEnabled: z.boolean(),
    disabledBecause: z
      .string()
      .nullable()
      .meta({ description: 'Why the server disabled it, such as 410 Gone.' }),
    createdAt: z.iso.datetime(),
    changedAt: z.iso.datetime(),
    waiting: z.int().min(0).meta({ description: 'Notifications on their way.' }),
    dead: z
      .int()
      .min(0)
      .meta({ description: 'Notifications that were given up, until they are tried again or removed.' }),
    collapsed: z.int().min(0).meta({
      description:
        'Notifications that were left out because too many were waiting and a later one of the same alert was among them.',
    }),
    dropped: z
      .int()
      .min(0)
      .meta({ description: 'Notifications that were removed because too many had been given up.' }),
    retryAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'When it is tried again; null unless the last attempt failed.' }),
    lastDeliveredAt: z.iso.datetime().nullable(),
    lastError: z
      .string()
      .nullable()
      .meta({ description: 'What went wrong in the last attempt; null when nothing did.' }),
  })
  .meta({ id: 'Channel' });
export type Channel = z.output<typeof channelSchema>;

/** A channel with the key that was made for it, which is shown this once. */
export const channelWithSecretSchema = channelSchema
  .extend({
    secret: z.string().nullable().meta({
      description: 'The key that was made for a webhook, shown this once; null when none was made.',
    }),
  })
  .meta({ id: 'ChannelWithSecret' });
export type ChannelWithSecret = z.output<typeof channelWithSecretSchema>;

/** How a webhook gets a new key. */
export const secretRotationSchema = z
  .strictObject({
    keepPrevious: z.boolean().default(true).meta({
      description:
        'Whether the newest key so far goes on signing beside the new one, until the next rotation or an update.',
    }),
  })
  .meta({ id: 'SecretRotation' });
export type SecretRotation = z.output<typeof secretRotationSchema>;

/** How a test of a channel ended. */
export const channelTestSchema = z
  .strictObject({ isDelivered: z.boolean(), error: z.string().nullable() })
  .meta({ id: 'ChannelTest' });
export type ChannelTest = z.output<typeof channelTestSchema>;

/** Why somebody is told. */
export const notificationKinds = [
  'alert.opened',
  'alert.updated',
  'alert.repeated',
  'alert.resolved',
  'channel.test',
] as const;
export type NotificationKind = (typeof notificationKinds)[number];

export const notificationId = z
  .string()
  .regex(/^ntf_[0-9a-f]{24}$/, 'expected the id of a notification, such as ntf_ and 24 hexadecimal digits');

/** What a channel is told, as a webhook's body says it. */
export const notificationSchema = z
  .strictObject({
    id: notificationId.meta({
      description: 'The same in each attempt: what has been seen before is known by it.',
    }),
    type: z.enum(notificationKinds),
    timestamp: z.iso.datetime(),
    data: z.strictObject({ alert: alertSchema }),
  })
  .meta({ id: 'Notification' });
export type Notification = z.output<typeof notificationSchema>;

/** A notification that was given up. */
export const deadLetterSchema = z
  .strictObject({
    id: notificationId,
    type: z.enum(notificationKinds),
    alert: alertId,
    enqueuedAt: z.iso.datetime(),
    diedAt: z.iso.datetime(),
    attempts: z.int().min(0),
    error: z.string(),
  })
  .meta({ id: 'DeadLetter' });
export type DeadLetter = z.output<typeof deadLetterSchema>;

/** Which dead letters to send again: to the end of the line, as if they were new. */
export const deadLetterRetrySchema = z
  .strictObject({
    ids: z.array(notificationId).min(1).max(1000).optional().meta({ description: 'Absent: all.' }),
  })
  .meta({ id: 'DeadLetterRetry' });
export type DeadLetterRetry = z.output<typeof deadLetterRetrySchema>;
