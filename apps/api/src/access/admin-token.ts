import { readFile, rename, writeFile } from 'node:fs/promises';
import type { ProjectRepository } from '@berth/database/project.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { issueToken, readToken } from '@berth/database/token-secret.js';
import type { TokenRepository } from '@berth/database/token.repository.js';

const adminProject = 'default';

/**
 * Keeps `path` holding an admin token that works: makes one when the file is absent, or holds what the record
 * does not know. Whoever may read the file (mode 0600) may do everything.
 */
export async function keepAdminToken(
  path: string,
  projects: ProjectRepository,
  tokens: TokenRepository,
): Promise<void> {
  const kept = readToken((await readFile(path, 'utf8').catch(() => '')).trim());
  const grant = kept && (await tokens.findGrant(kept.id));
  if (grant?.usable === true && grant.role === 'admin' && grant.secretHash.equals(kept!.secretHash)) return;
  const project = await projects.find(referenceOf(adminProject));
  if (!project) throw new Error(`project ${adminProject} is missing: the migrations make it`);
  const { id, text, secretHash } = issueToken();
  await tokens.create(
    { id, projectId: project.id, name: 'admin', role: 'admin', secretHash, expiresInHours: null },
    null,
  );
  await writeFile(`${path}.new`, `${text}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
