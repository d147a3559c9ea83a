import { v86Limits } from '@berth/domain/boot-needs.js';
import { createHash } from 'node:crypto';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { MakesTemplates } from '../abilities.js';
import { makeCgroup, removeCgroup } from '../confinement/cgroup.js';
import type { Confinement } from '../confinement/confinement.js';
import { allowMove, shutOf, type Shut } from '../confinement/guarding.js';
import { perlPath } from '../confinement/perl.js';
import { EngineError, type EngineCapabilities, type VmmHandle } from '../driver.js';
import type {
  Departure,
  GuestPlace,
  Migrates,
  MigrationAddress,
  MigrationOrder,
  MoveCredentials,
} from '../migration.js';
import { checkImage, type Launcher } from '../vmm/launch.js';
import { qmpOf } from '../vmm/qmp.js';
import { keepState, stateFile } from '../vmm/saving.js';
import { StateDirectory } from '../vmm/state.js';
import { trialBoot } from '../vmm/trial-boot.js';
import { VmmDriver } from '../vmm/vmm-driver.js';
import type { KernelInitrdImage, VmmSpec } from '../vmm-spec.js';
import { guardArguments, type LaunchOptions } from './arguments.js';
import { checkKernel, kernelImageOf } from './image.js';
import { goOn, listenForGuest, placeOf, sendGuest } from './moving.js';

export interface V86DriverOptions extends Omit<LaunchOptions, keyof Shut | 'leasePath'> {
  /** This node's own directory; nobody else may write to it. */
  readonly statePath: string;
  /** What `probe` boots. */
  readonly smokeImage: KernelInitrdImage;
  /** Of the npm package. */
  readonly version: string;
  readonly confinement: Confinement;
  /** What of it is not to be had here, one line each. */
  readonly lacks: readonly string[];
}

/** The tiny guest needs about 3 CPU seconds; a machine that shares its cores with many is still of use. */
const bootTimeoutMs = 60_000;
const commandTimeoutMs = 5000;
const saveTimeoutMs = 60_000;

/**
 * Guests of 32 bits in v86, an emulator that comes from npm: for machines that have Node and no QEMU. One Node process
 * each, under a guard as QEMU's have. A guest moves standing still: its state goes from one vmm to the other.
 */
export class V86Driver extends VmmDriver implements Migrates, MakesTemplates {
  readonly #options: V86DriverOptions;

  private constructor(options: V86DriverOptions, state: StateDirectory) {
    super('v86', state, launcherOf(options));
    this.#options = options;
  }

  static async open(options: V86DriverOptions): Promise<V86Driver> {
    return new V86Driver(options, await StateDirectory.at(options.statePath));
  }

  get lacks(): readonly string[] {
    return this.#options.lacks;
  }

  override async release(handle: VmmHandle): Promise<void> {
    await super.release(handle);
    const { cgroups } = this.#options.confinement;
    if (cgroups) await removeCgroup(cgroups, handle.vmmId);
  }

  async probe(limitMs = bootTimeoutMs): Promise<EngineCapabilities> {
    const { smokeImage, version } = this.#options;
    try {
      const bootDurationMs = await trialBoot(this, this.state, smokeImage, limitMs);
      return { driver: 'v86', available: true, detail: `v86 ${version}`, bootDurationMs };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { driver: 'v86', available: false, detail: `v86 ${version} does not boot the tiny guest: ${why}` };
    }
  }

  async resume(handle: VmmHandle): Promise<void> {
    await goOn(await this.known.live(handle));
  }

  async receive(handle: VmmHandle, host: string, credentials?: MoveCredentials): Promise<MigrationAddress> {
    return listenForGuest(await this.known.live(handle), host, credentials);
  }

  async migrate(handle: VmmHandle, order: MigrationOrder): Promise<Departure> {
    await allowMove(this.#options.confinement, handle.vmmId, order.to);
    return sendGuest(await this.known.live(handle), order);
  }

  async placeOf(handle: VmmHandle): Promise<GuestPlace> {
    const vmm = await this.known.find(handle);
    await vmm?.check();
    return !vmm || vmm.isGone ? 'gone' : placeOf(vmm);
  }

  /** A guest says itself which v86 it is of. */
  engineMajor(): Promise<number> {
    return Promise.resolve(0);
  }

  async save(handle: VmmHandle, statePath: string): Promise<void> {
    const vmm = await this.known.live(handle);
    await this.pause(handle);
    const own = join(vmm.path, stateFile);
    try {
      await qmpOf(vmm).execute('save-state', saveTimeoutMs);
      await keepState(own, statePath);
    } finally {
      await truncate(own); // as large as what the guest has of memory
    }
  }

  async becomeTemplate(handle: VmmHandle): Promise<void> {
    await (await this.agentOf(handle)).ask('template', commandTimeoutMs);
  }

  machineDigest({ image, memoryMib }: VmmSpec): string {
    const words = [this.#options.version, image, memoryMib];
    return createHash('sha256').update(JSON.stringify(words)).digest('hex');
  }
}

function launcherOf({ confinement, ...options }: V86DriverOptions): Launcher {
  return {
    async check(spec) {
      checkShape(spec);
      const image = kernelImageOf(spec);
      await checkImage(image, false);
      await checkKernel(image.kernelPath);
    },
    prepare: async (spec) => {
      if (confinement.cgroups) await makeCgroup(confinement.cgroups, spec, 'v86');
    },
    command: (spec, leasePath) => {
      const shut = shutOf(confinement, spec.vmmId);
      return { program: perlPath, args: guardArguments(spec, { ...options, leasePath, ...shut }) };
    },
    isPortTaken: () => false, // it listens on none
  };
}

/** @throws EngineError start-failed */
function checkShape({ vcpus, memoryMib }: VmmSpec): void {
  const refuse = (why: string): never => {
    throw new EngineError('start-failed', why);
  };
  if (vcpus > v86Limits.vcpus) refuse(`v86 has one vcpu, not ${vcpus}: take a smaller instance type`);
  if (memoryMib > v86Limits.memoryMib) refuse(`v86 has at most ${v86Limits.memoryMib} MiB, not ${memoryMib}`);
}
