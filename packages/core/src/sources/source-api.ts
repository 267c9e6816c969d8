import { z } from 'zod';
import { errorKinds } from '../errors.ts';

const code = z.enum(Object.keys(errorKinds) as [keyof typeof errorKinds]);
const position = z
  .int()
  .meta({ description: 'Number of the line, or of the record, in what was sent; from 1.' });

/** Answer to `POST /v1/sources/{name}`. */
export const importResponseSchema = z
  .strictObject({
    accepted: z.int().min(0).meta({ description: 'Records that are stored now.' }),
    duplicates: z.int().min(0).meta({ description: 'Records that the trail had already.' }),
    skipped: z.int().min(0).meta({ description: 'Lines of other programs, and the like.' }),
    rejected: z.int().min(0).meta({ description: 'Records that could not become events.' }),
    earliest: z.iso.datetime().nullable().meta({
      description:
        'When the first of those stored now happened. Correlations of a trail that has newer events pass over what is older than they wait for, until `POST /v1/detection/backfill`; they follow history in a trail of its own.',
    }),
    deadLetters: z
      .array(
        z.strictObject({
          position,
          offset: z.int().min(0).meta({ description: 'Where it begins, in bytes, after decompression.' }),
          code,
          reason: z.string(),
        }),
      )
      .meta({ description: 'Of these the first 1000.' }),
  })
  .meta({ id: 'ImportResponse' });
export type ImportResponse = z.output<typeof importResponseSchema>;

/** Answer to `GET /v1/sources/{name}/dead-letters`. */
export const deadLetterPageSchema = z
  .strictObject({
    deadLetters: z
      .array(
        z.strictObject({
          id: z.int(),
          trail: z.string(),
          tenant: z.string().nullable(),
          receivedAt: z.iso.datetime(),
          position,
          code,
          reason: z.string(),
          text: z.string().meta({
            description: 'The record, so that it can be mended and sent again; of a long one the beginning.',
          }),
        }),
      )
      .meta({ description: 'By rising id.' }),
    dropped: z.int().min(0).meta({ description: 'Older ones that were not kept: there were too many.' }),
    nextAfter: z
      .int()
      .nullable()
      .meta({ description: 'Give it as `after` for the next page; null on the last.' }),
  })
  .meta({ id: 'DeadLetterPage' });
