import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { machineProfiles } from '@berth/domain/image-state.js';
import { driveFormats } from '@berth/engine/vmm-spec.js';
import { parse } from 'yaml';
import { z } from 'zod';
import { keyNames } from './keyboard.js';

export const withinSecondsMax = 3_600;

const text = z.string().min(1);
const sought = text.transform((source, context) => {
  try {
    return new RegExp(source, 'm');
  } catch (error) {
    context.addIssue({ code: 'custom', message: `is no regular expression: ${(error as Error).message}` });
    return z.NEVER;
  }
});
const aKey = `is no key; a character that is printed, or one of: ${keyNames.join(', ')}`;
const key = text.refine((name) => keyNames.includes(name) || /^[!-~]$/.test(name), { error: aKey });

/** What is waited for on the serial port or on the screen, and what it is answered with. */
const step = z
  .strictObject({
    serial: sought.optional(),
    screen: sought.optional(),
    type: text.optional(),
    keys: z.array(key).min(1).max(100).optional(),
  })
  .refine(({ serial, screen }) => !serial || !screen, { error: 'waits for serial or screen, not for both' })
  .refine(({ type, keys }) => (type === undefined) !== (keys === undefined), {
    error: 'needs either type (for the serial port) or keys (of the keyboard)',
  });

const expected = z
  .strictObject({
    serial: sought,
    screen: sought,
    picture: z.strictObject({ width: z.int().min(1), height: z.int().min(1), coloursMin: z.int().min(2).default(2) }),
  })
  .partial()
  .refine((fields) => Object.keys(fields).length > 0, { error: 'needs serial, screen or picture' });

/** `README.md` explains the fields. */
const givenImage = z.strictObject({
  file: text,
  medium: z.enum(['disk', 'cdrom', 'floppy']).default('disk'),
  format: z.enum(driveFormats).default('raw'),
  profile: z.enum(machineProfiles).default('virtio'),
  firmware: z.enum(['bios', 'uefi']).default('bios'),
  memoryMib: z.int().min(4).max(16_384).default(512),
  vcpus: z.int().min(1).max(8).default(1),
  /** Sent to the serial port before all else. */
  type: text.optional(),
  steps: z.array(step).max(100).default([]),
  expect: expected,
  withinSeconds: z.int().min(1).max(withinSecondsMax).default(600),
});

/** `path`: of the image itself. */
export type GivenImage = z.infer<typeof givenImage> & { readonly path: string };

/** @throws with every field that is wrong, and what it may be */
export function readGivenImage(yamlPath: string): GivenImage {
  const read = givenImage.safeParse(parse(readFileSync(yamlPath, 'utf8')));
  if (!read.success) {
    const wrong = read.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
    throw new Error(`${yamlPath} says not what to expect (tests/guests/README.md):\n  ${wrong.join('\n  ')}`);
  }
  const path = join(dirname(yamlPath), read.data.file);
  if (!existsSync(path)) throw new Error(`${yamlPath}: file: there is no ${path}; put the image beside the YAML file`);
  return { ...read.data, path };
}
