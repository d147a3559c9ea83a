import type { EngineCapabilities, VmmHandle } from '../driver.js';
import type {
  Departure,
  GuestPlace,
  Migrates,
  MigrationAddress,
  MigrationMethod,
  MigrationOrder,
} from '../migration.js';
import { checkImage, type Launcher } from '../vmm/launch.js';
import { StateDirectory } from '../vmm/state.js';
import { VmmDriver } from '../vmm/vmm-driver.js';
import type { KernelInitrdImage } from '../vmm-spec.js';
import { guardArguments, type LaunchOptions } from './arguments.js';
import { userIdOf, type Confinement } from './confinement.js';
import { keepGuest, sendGuest } from './migration-source.js';
import { migrationFailed, placeOf } from './migration-state.js';
import { listenForGuest } from './migration-target.js';
import { probeQemu } from './probe.js';

export interface QemuDriverOptions extends Omit<LaunchOptions, 'userId' | 'setprivPath' | 'leasePath'> {
  /** This node's own directory; nobody else may write to it. */
  readonly statePath: string;
  /** What `probe` boots. */
  readonly smokeImage: KernelInitrdImage;
  readonly confinement: Confinement;
}

const perlPath = '/usr/bin/perl';

/**
 * Guests as QEMU processes under guards of their own: `kvm` and `tcg` are this driver with one argument between them.
 */
export class QemuDriver extends VmmDriver implements Migrates {
  readonly #options: QemuDriverOptions;

  private constructor(options: QemuDriverOptions, state: StateDirectory) {
    super(options.accelerator, state, launcherOf(options));
    this.#options = options;
  }

  static async open(options: QemuDriverOptions): Promise<QemuDriver> {
    return new QemuDriver(options, await StateDirectory.at(options.statePath));
  }

  async receive(handle: VmmHandle, options: { host: string; method: MigrationMethod }): Promise<MigrationAddress> {
    return listenForGuest(await this.known.live(handle), options.host, options.method);
  }

  async migrate(handle: VmmHandle, order: MigrationOrder): Promise<Departure> {
    return sendGuest(await this.known.live(handle), order);
  }

  async placeOf(handle: VmmHandle): Promise<GuestPlace> {
    const vmm = await this.known.find(handle);
    await vmm?.check();
    return !vmm || vmm.isGone ? 'gone' : placeOf(vmm);
  }

  async resume(handle: VmmHandle): Promise<void> {
    const vmm = await this.known.live(handle);
    const place = await placeOf(vmm);
    if (place === 'runs') return;
    if (place === 'awaited') throw migrationFailed(handle, 'no guest has arrived');
    if (place === 'arrived') await this.state.noteResumed(handle.vmmId);
    await keepGuest(vmm);
    void vmm.hear(); // ready as soon as it says so, not at its next beat
  }

  probe(limitMs?: number): Promise<EngineCapabilities> {
    return probeQemu(this, this.#options, (instanceId) => this.state.highestGeneration(instanceId), limitMs);
  }
}

function launcherOf({ confinement, ...options }: QemuDriverOptions): Launcher {
  const { setprivPath, userIds } = confinement;
  return {
    check: ({ image }) => checkImage(image, userIds !== undefined),
    command: (spec, leasePath) => {
      const own = {
        ...(setprivPath === undefined ? {} : { setprivPath }),
        ...(userIds ? { userId: userIdOf(spec.vmmId, userIds) } : {}),
      };
      return { program: perlPath, args: guardArguments(spec, { ...options, leasePath, ...own }) };
    },
  };
}
