import { dirname, join, resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where everything of a datacenter on this machine lies under its data folder. */
export interface Layout {
  readonly dataDir: string;
  readonly logsDir: string;
  /** Pid files, ready files, and the launcher's own. */
  readonly runDir: string;
  readonly imageDir: string;
  /** The API's own, for the bytes of images. */
  readonly imageStoreDir: string;
  readonly prometheusDir: string;
  readonly datacenterFile: string;
  readonly adminTokenFile: string;
  readonly agentSecretFile: string;
  /** What vouches for the nodes: its key lies in it. */
  readonly authorityDir: string;
}

export function layoutOf(folder: string): Layout {
  const dataDir = resolve(folder);
  return {
    dataDir,
    logsDir: join(dataDir, 'logs'),
    runDir: join(dataDir, 'run'),
    imageDir: join(dataDir, 'images'),
    imageStoreDir: join(dataDir, 'image-store'),
    prometheusDir: join(dataDir, 'prometheus'),
    datacenterFile: join(dataDir, 'datacenter.json'),
    adminTokenFile: join(dataDir, 'admin.token'),
    agentSecretFile: join(dataDir, 'agent.secret'),
    authorityDir: join(dataDir, 'authority'),
  };
}

export const logPathOf = (layout: Layout, name: string): string => join(layout.logsDir, `${name}.log`);
export const pidPathOf = (layout: Layout, name: string): string => join(layout.runDir, `${name}.pid.json`);
export const readyPathOf = (layout: Layout, name: string): string => join(layout.runDir, `${name}.ready`);
export const nodeDirOf = (layout: Layout, node: string): string => join(layout.dataDir, 'nodes', node);
export const tlsDirOf = (layout: Layout, node: string): string => join(nodeDirOf(layout, node), 'tls');

/** The repository this program was built in: the nearest folder above with the lock file. */
export const checkout = findCheckout(dirname(fileURLToPath(import.meta.url)));

function findCheckout(folder: string): string {
  if (existsSync(join(folder, 'package-lock.json')) || folder === dirname(folder)) return folder;
  return findCheckout(dirname(folder));
}
