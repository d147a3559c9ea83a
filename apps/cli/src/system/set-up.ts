import { existsSync, statfsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import type { Progress } from '../up/progress.js';
import { findRedis } from '../servers/redis-binary.js';
import { Apt } from './apt.js';
import { ensureQemu, findQemu, qemuNotice } from './qemu.js';
import { ensureRedis } from './redis.js';

const uefiPath = '/usr/share/OVMF';
const nftPath = '/usr/sbin/nft';

/**
 * Installs the programs that Berth drives and npm does not bring. Nothing is done where they are there already. Where
 * QEMU is not and cannot be, guests are left to the emulator that npm did bring.
 */
export async function setUpSystem(
  progress: Progress,
  environment: NodeJS.ProcessEnv,
  external: { readonly redis: boolean },
): Promise<void> {
  const apt = await Apt.find();
  const qemu = await findQemu(environment);
  if (!qemu.isNewEnough) {
    if (apt && !qemu.isNamed) await progress.step('QEMU from the distribution', () => ensureQemu(apt));
    else progress.note(qemuNotice(qemu));
  }
  // Without it guests boot by BIOS, and those of UEFI are told what is missing.
  if (apt && !existsSync(uefiPath)) {
    await progress.step('UEFI for guests from the distribution', () => apt.install(['ovmf']).catch(() => undefined));
  }
  // Without it a vmm that is taken over reaches servers of this machine; workers say so in their log.
  if (apt && !existsSync(nftPath)) {
    await progress.step('packet filter from the distribution', () => apt.install(['nftables']).catch(() => undefined));
  }
  if (!external.redis && !(await findRedis())) {
    await progress.step('Redis from the distribution', () => ensureRedis(apt));
  }
}

export interface Machine {
  readonly cores: number;
  readonly memoryMib: number;
  readonly diskGib: number;
}

export function measureMachine(dataDir: string): Machine {
  const { bavail, bsize } = statfsSync(dataDir);
  return {
    cores: availableParallelism(),
    memoryMib: Math.floor(totalmem() / 1024 ** 2),
    diskGib: Math.floor((bavail * bsize) / 1024 ** 3),
  };
}
