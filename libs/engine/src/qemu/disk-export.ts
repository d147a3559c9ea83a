import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { MoveCredentials } from '../migration.js';
import type { QmpClient } from '../vmm/qmp.js';
import type { Vmm } from '../vmm/vmm.js';
import type { Drive, VmmSpec } from '../vmm-spec.js';
import { answerTimeoutMs, migrationFailed } from './migration-state.js';
import { exportCredentials } from './move-credentials.js';

/** Another process may take the port between our choice and the engine's use of it. */
const triesMax = 5;

/** What a guest writes to and takes along when it moves; the rest is the same on every node. */
export function movingDrives({ drives = [] }: Pick<VmmSpec, 'drives'>): readonly Drive[] {
  return drives.filter(({ readOnly }) => !readOnly);
}

/**
 * Lets the source write the drives of a vmm that waits for its guest, by NBD. Resolves to the port. Not to be repeated
 * once a source has been told the port: it begins anew.
 */
export async function exportDrives(
  vmm: Vmm,
  qmp: QmpClient,
  host: string,
  credentials?: MoveCredentials,
): Promise<number> {
  await stopExports(qmp); // a worker that ended before it noted the port
  const port = await serve(vmm, qmp, host, exportCredentials(credentials));
  for (const { id } of movingDrives(vmm.record.spec)) {
    const what = { type: 'nbd', id: `export-${id}`, 'node-name': id, name: id, writable: true };
    await qmp.execute('block-export-add', answerTimeoutMs, what);
  }
  return port;
}

/** Before the guest writes here itself. */
export async function stopExports(qmp: QmpClient): Promise<void> {
  await qmp.execute('nbd-server-stop', answerTimeoutMs).catch(() => undefined); // refused where none serves
}

async function serve(vmm: Vmm, qmp: QmpClient, host: string, tls: object): Promise<number> {
  let why: unknown;
  for (let left = triesMax; left > 0; left -= 1) {
    const port = await freePort(host);
    const addr = { type: 'inet', data: { host, port: `${port}` } };
    try {
      await qmp.execute('nbd-server-start', answerTimeoutMs, { addr, ...tls, 'max-connections': 16 });
      return port;
    } catch (error) {
      why = error;
    }
  }
  throw migrationFailed(vmm.handle, `its disks cannot be received: ${String(why)}`);
}

/** QEMU does not tell which port the kernel picked, so one is picked for it. */
export async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
