import { existsSync } from 'node:fs';
import { join } from 'node:path';

const tools = join(import.meta.dirname, '../../.data/tools');

/** A file of a Debian package that the tests unpacked or the machine has; see scripts/packages.mjs. */
export function packaged(name: string, path: string): string {
  const found = [join(tools, name, path), join('/', path)].find((candidate) => existsSync(candidate));
  if (found === undefined) throw new Error(`package ${name} is not unpacked; run: npm test -- --suite e2e`);
  return found;
}
