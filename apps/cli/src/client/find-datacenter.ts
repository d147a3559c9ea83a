import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../output/failure.js';
import { readDatacenterFile } from '../up/datacenter-file.js';
import { checkout, layoutOf } from '../up/layout.js';
import { HttpClient } from './http.js';

/** `--data-dir`, else BERTH_DATA_DIR, else `.data` of the checkout. */
export function dataDirOf(flag: string | undefined, environment: NodeJS.ProcessEnv): string {
  const given = flag ?? (environment['BERTH_DATA_DIR'] || undefined);
  return given?.replace(/^~(?=\/)/, homedir()) ?? join(checkout, '.data');
}

/**
 * The API to talk to: BERTH_ENDPOINT with BERTH_TOKEN; or the datacenter of the data folder, with its admin token
 * unless BERTH_TOKEN is set.
 * A `--data-dir` on the command line wins over BERTH_ENDPOINT.
 * @throws CliError when there is none
 */
export function findDatacenter(flag: string | undefined, environment: NodeJS.ProcessEnv): HttpClient {
  const endpoint = environment['BERTH_ENDPOINT'];
  const token = environment['BERTH_TOKEN'];
  if (flag === undefined && endpoint) {
    if (!token) throw new CliError('BERTH_ENDPOINT is set, but BERTH_TOKEN is not', { next: 'export BERTH_TOKEN=...' });
    return new HttpClient(endpoint, token);
  }
  const layout = layoutOf(dataDirOf(flag, environment));
  const datacenter = readDatacenterFile(layout);
  if (!datacenter) {
    throw new CliError(`no datacenter runs in ${layout.dataDir}`, {
      next: 'npm start; or --data-dir, or BERTH_ENDPOINT and BERTH_TOKEN',
    });
  }
  return new HttpClient(datacenter.endpoint, token || readToken(layout.adminTokenFile));
}

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    throw new CliError(`the admin token ${path} cannot be read`, { next: 'set BERTH_TOKEN, or run as its owner' });
  }
}
