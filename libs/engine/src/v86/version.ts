import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Of the npm package. */
export function versionOfV86(): string {
  const path = createRequire(import.meta.url).resolve('v86/package.json');
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return version;
}
