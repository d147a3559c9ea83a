import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { locate } from '../locate.js';

const debianFolder = '/usr/share/seabios';
const shippedFolder = 'deploy/firmware/seabios';

export interface Firmware {
  readonly biosPath: string;
  readonly vgaBiosPath: string;
}

/** SeaBIOS of the distribution, which gets its security fixes; else the copy that comes with Berth. */
export function findFirmware(folder = debianFolder): Firmware {
  const [biosPath, vgaBiosPath] = [join(folder, 'bios.bin'), join(folder, 'vgabios-stdvga.bin')];
  if (existsSync(biosPath) && existsSync(vgaBiosPath)) return { biosPath, vgaBiosPath };
  return {
    biosPath: locate(`${shippedFolder}/bios.bin`),
    vgaBiosPath: locate(`${shippedFolder}/vgabios-stdvga.bin`),
  };
}
