import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const debianPath = join(import.meta.dirname, '../../.data/images/debian12.qcow2');
export const isDebianThere = existsSync(debianPath);
if (!isDebianThere)
  process.stdout.write(`Debian is not booted: ${debianPath} is not there; see tests/guests/README.md\n`);

/** 100 s of CPU; a busy machine has four guests share a core. */
export const bootMs = 15 * 60_000;
