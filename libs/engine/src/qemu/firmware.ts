import { access, constants, copyFile } from 'node:fs/promises';

/** UEFI for guests: the code all share, and what a new machine remembers. */
export interface Firmware {
  readonly codePath: string;
  readonly variablesPath: string;
}

/** Where distributions put OVMF; the build without secure boot, which takes any boot loader. */
const candidates: readonly Firmware[] = [
  { codePath: '/usr/share/OVMF/OVMF_CODE_4M.fd', variablesPath: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  { codePath: '/usr/share/OVMF/OVMF_CODE.fd', variablesPath: '/usr/share/OVMF/OVMF_VARS.fd' },
  { codePath: '/usr/share/edk2/ovmf/OVMF_CODE.fd', variablesPath: '/usr/share/edk2/ovmf/OVMF_VARS.fd' },
  { codePath: '/usr/share/edk2/x64/OVMF_CODE.4m.fd', variablesPath: '/usr/share/edk2/x64/OVMF_VARS.4m.fd' },
];

/** Undefined: this machine has none, and its guests boot by BIOS only. */
export async function findFirmware(): Promise<Firmware | undefined> {
  for (const firmware of candidates) {
    const paths = [firmware.codePath, firmware.variablesPath];
    const found = await Promise.all(paths.map((path) => access(path, constants.R_OK))).catch(() => undefined);
    if (found) return firmware;
  }
  return undefined;
}

/** Each vmm has variables of its own. */
export async function writeVariables({ variablesPath }: Firmware, path: string): Promise<void> {
  await copyFile(variablesPath, path);
}
