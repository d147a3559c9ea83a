import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A file of this repository that is not TypeScript, found from the sources and from the build alike. */
export function locate(path: string): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, path))) return join(folder, path);
    if (folder === dirname(folder)) throw new Error(`${path} is not part of this installation`);
  }
}
