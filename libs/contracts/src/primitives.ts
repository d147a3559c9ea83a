import { labelValueMaxChars, labelsMax, namePattern } from '@berth/domain/limits.js';
import { z } from 'zod';

/** Schemas of single values that several bodies hold. Messages say what is expected, with the limit. */
export const id = z.uuid({ error: 'must be a UUID' });
export const name = z
  .string()
  .regex(namePattern, { error: 'must be 1-63 of a-z, 0-9 and "-", starting and ending with a letter or digit' })
  .meta({ examples: ['web-1'] });
export const catalogueName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/, { error: 'must be 1-63 of a-z, 0-9, "." and "-"' })
  .meta({ examples: ['tiny'] });
export const labelKey = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9._/-]{0,61}[a-z0-9])?$/, { error: 'must be 1-63 of a-z, 0-9, ".", "_", "/" and "-"' });
export const labelValue = z
  .string()
  .max(labelValueMaxChars)
  .regex(/^[\x20-\x7e]*$/, { error: 'must be printable ASCII' });
export const labels = z
  .record(labelKey, labelValue)
  .refine((value) => Object.keys(value).length <= labelsMax, { error: `must hold at most ${labelsMax} labels` });
export const timestamp = z.iso.datetime();
/** How a path names something: both forms are lower-case letters, digits and "-". */
export const reference = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/, { error: 'must be a name or an id' })
  .meta({ description: 'name or id', examples: ['web-1'] });
