import type { FleetView } from '@berth/contracts/http/fleet.js';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Invocation } from '../commands/invocation.js';
import { renderTable } from '../output/table.js';
import { isAlive } from '../servers/process-identity.js';
import { readDatacenterFile } from '../up/datacenter-file.js';
import { layoutOf } from '../up/layout.js';
import { readPidFile } from '../up/left-over.js';
import { fleetText } from './fleet.js';

/** The processes of this machine's datacenter, and the fleet as the API sees it. @throws CliError when it is down */
export async function showStatus(invocation: Invocation): Promise<void> {
  const layout = layoutOf(invocation.dataDir);
  const datacenter = readDatacenterFile(layout);
  if (datacenter && existsSync(layout.runDir)) {
    invocation.print(`${datacenter.endpoint}/v1, up since ${datacenter.startedAt}, ${layout.dataDir}\n`);
    const files = readdirSync(layout.runDir).filter((file) => file.endsWith('.pid.json'));
    const rows = files.toSorted().map((file) => {
      const process = readPidFile(join(layout.runDir, file));
      return [
        file.slice(0, -'.pid.json'.length),
        `${process?.pid ?? '-'}`,
        process && isAlive(process) ? 'up' : 'down',
      ];
    });
    invocation.print(`${renderTable(['PROCESS', 'PID', 'STATE'], rows)}\n`);
  }
  invocation.print(fleetText(await invocation.api().call<FleetView>({ method: 'GET', path: '/fleet' })));
}
