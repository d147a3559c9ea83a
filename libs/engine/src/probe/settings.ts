import { probedEngines } from '@berth/domain/engine-probe.js';
import { engineDrivers } from '@berth/domain/node-state.js';
import { spawnSync } from 'node:child_process';
import { z } from 'zod';
import { defaultPrograms } from '../qemu/open.js';
import type { ProbeOptions } from './probe.js';

/** `kvm,v86` */
const engineList = z
  .string()
  .default('')
  .transform((text) => (text === '' ? [] : text.split(',')))
  .pipe(z.array(z.enum(probedEngines)));

const runTimeoutMs = 10_000;

/** By it a worker knows which engines to try and use, and so does `berth node probe --local`. */
export const engineSettings = {
  BERTH_DRIVER: z
    .enum(['auto', ...engineDrivers])
    .default('auto')
    .describe('auto: what a timed guest shows to be best'),
  BERTH_DRIVERS_FORBIDDEN: engineList.describe('never used by auto'),
  BERTH_QEMU: z
    .string()
    .refine(runs, { error: `must be a program that runs; without it, ${defaultPrograms.qemuPath} of the PATH is used` })
    .default(defaultPrograms.qemuPath),
  BERTH_KVM_DEVICE: z.string().min(1).default(defaultPrograms.kvmPath),
};
const schema = z.object(engineSettings);

export function probeOptionsOf(settings: Readonly<z.infer<typeof schema>>): ProbeOptions {
  const { BERTH_DRIVER, BERTH_DRIVERS_FORBIDDEN, BERTH_QEMU, BERTH_KVM_DEVICE } = settings;
  return {
    qemuPath: BERTH_QEMU,
    kvmPath: BERTH_KVM_DEVICE,
    allowed: probedEngines.filter((engine) => !BERTH_DRIVERS_FORBIDDEN.includes(engine)),
    pinned: probedEngines.find((engine) => engine === BERTH_DRIVER),
  };
}

function runs(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore', timeout: runTimeoutMs }).status === 0;
}
