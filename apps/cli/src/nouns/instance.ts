import type { InstanceView } from '@berth/contracts/http/instance.js';
import { cores, labelText, seconds, watts } from '../output/amounts.js';
import type { Noun } from '../output/noun.js';

export const instanceNoun: Noun<InstanceView> = {
  path: '/instances',
  singular: 'instance',
  nameOf: ({ name }) => name,
  columns: [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'STATE', value: ({ state }) => state },
    { header: 'NODE', value: ({ node }) => node },
    { header: 'TYPE', value: ({ instanceType }) => instanceType },
    { header: 'IMAGE', value: imageText },
    { header: 'READY AFTER', value: ({ timeToReadyMs }) => (timeToReadyMs === null ? null : seconds(timeToReadyMs)) },
    { header: 'WATTS', value: ({ powerWatts }) => (powerWatts === null ? null : watts(powerWatts)) },
    { header: 'ID', value: ({ id }) => id, wide: true },
    { header: 'PROJECT', value: ({ project }) => project, wide: true },
    { header: 'DRIVER', value: ({ driver }) => driver, wide: true },
    { header: 'VCPUS', value: ({ vcpus }) => vcpus, wide: true },
    { header: 'MEMORY MIB', value: ({ memoryMib }) => memoryMib, wide: true },
    { header: 'CPU', value: ({ usedCpuMillis }) => (usedCpuMillis === null ? null : cores(usedCpuMillis)), wide: true },
    { header: 'USED MIB', value: ({ usedMemoryMib }) => usedMemoryMib, wide: true },
    { header: 'PID', value: ({ pid }) => pid, wide: true },
    { header: 'GENERATION', value: ({ generation }) => generation, wide: true },
    { header: 'RESTARTS', value: ({ restartCount }) => restartCount, wide: true },
    { header: 'PORTS', value: portText, wide: true },
    { header: 'LABELS', value: ({ labels }) => labelText(labels), wide: true },
    { header: 'REASON', value: ({ reason }) => reason, wide: true },
    { header: 'CREATED', value: ({ createdAt }) => createdAt, wide: true },
  ],
};

/** `tiny for web-disk`: that rescues this. */
function imageText({ image, rescueImage }: InstanceView): string {
  return rescueImage === null ? image : `${rescueImage} for ${image}`;
}

/** `22=127.0.0.1:20022`; a port without a way yet stands alone. */
function portText({ ports }: InstanceView): string {
  return ports
    .map(({ guestPort, host, hostPort }) => (host ? `${guestPort}=${host}:${hostPort}` : guestPort))
    .join(' ');
}
