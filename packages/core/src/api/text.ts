import { z } from 'zod';

/** A text of a name, a reason or a note. */
export const text = (maxLength: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .refine((value) => value.isWellFormed(), 'expected well-formed Unicode, found a lone surrogate');
