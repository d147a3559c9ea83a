import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { HttpClient } from '../client/http.js';
import { listAll } from '../client/pages.js';
import { renderTable } from '../output/table.js';
import type { Layout } from './layout.js';

/** What `berth up` ends with: the instances, where the API answers, and how to go on. */
export async function upReport(api: HttpClient, layout: Layout): Promise<string> {
  const instances = await listAll<InstanceView>(api, '/instances', { sort: 'name' });
  const table = renderTable(
    ['INSTANCE', 'NODE', 'DRIVER', 'READY AFTER', 'WATTS'],
    instances.map(({ name, node, driver, timeToReadyMs, powerWatts }) => [
      name,
      node ?? '-',
      driver ?? '-',
      timeToReadyMs === null ? '-' : `${(timeToReadyMs / 1000).toFixed(2)} s`,
      powerWatts?.toFixed(1) ?? '-',
    ]),
  );
  return [
    table,
    '',
    `API      ${api.endpoint}/v1   (${api.endpoint}/docs)`,
    `token    ${layout.adminTokenFile}`,
    `try      bin/berth instance list --data-dir ${layout.dataDir}`,
  ].join('\n');
}
