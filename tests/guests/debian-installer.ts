import { packaged } from './packaged.js';

const folder = 'usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64';

/** A file of Debian's network installer. */
export function installerFile(name: string): string {
  return packaged('debian-installer-12-netboot-amd64', `${folder}/${name}`);
}
