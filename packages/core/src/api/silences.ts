import { z } from 'zod';
import { severities, trailName } from '../event/event.ts';
import { eventLimits } from '../event/limits.ts';
import { entitySchema } from './alerts.ts';
import { text } from './text.ts';

export const silenceId = z.string().regex(/^sil_[a-z2-7]{16}$/, 'expected the id of a silence');

/** Which alerts a silence is about. What is given must all hold; something must be given. */
const silenceMatchSchema = z
  .strictObject({
    rule: text(256).optional().meta({ description: 'Key of a rule.' }),
    maxLevel: z.enum(severities).optional().meta({ description: 'Alerts of this level and below.' }),
    trail: trailName.optional(),
    tenant: text(eventLimits.shortText).optional(),
    entity: entitySchema
      .refine((entity) => Object.keys(entity).length <= 16, 'expected at most 16 fields')
      .optional()
      .meta({
        description: 'Values that the alert has in these fields, such as {"source.ip": "192.0.2.7"}.',
      }),
  })
  .refine(
    (match) => Object.values(match).some((part) => part !== undefined),
    'expected something that says which alerts',
  );
export type SilenceMatch = z.output<typeof silenceMatchSchema>;

const time = z.iso.datetime({
  offset: true,
  error: 'expected an RFC 3339 time, such as 2027-01-31T09:30:00Z',
});

export const newSilenceSchema = z
  .strictObject({
    match: silenceMatchSchema,
    owner: text(128).meta({ description: 'Who answers for it.' }),
    reason: text(1024),
    startsAt: time.optional().meta({ description: 'Absent: now.' }),
    endsAt: time.meta({ description: 'At most a year from its start.' }),
  })
  .meta({ id: 'NewSilence' });
export type NewSilence = z.output<typeof newSilenceSchema>;

/** Alerts that it is about are opened and counted as ever; channels are not told of them. */
export const silenceSchema = z
  .strictObject({
    id: silenceId,
    match: silenceMatchSchema,
    exceptSystem: z.boolean().meta({
      description:
        'True where alerts of the trail system are told all the same: who made it may not read that trail.',
    }),
    owner: z.string(),
    reason: z.string(),
    startsAt: z.iso.datetime(),
    endsAt: z.iso.datetime(),
    createdBy: z.string().meta({ description: 'Id of the token that made it.' }),
    createdAt: z.iso.datetime(),
    endedBy: z.string().nullable().meta({ description: 'Id of the token that ended it before its time.' }),
    state: z.enum(['pending', 'active', 'ended']),
  })
  .meta({ id: 'Silence' });
export type Silence = z.output<typeof silenceSchema>;
