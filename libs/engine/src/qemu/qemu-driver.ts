import type { EngineCapabilities } from '../driver.js';
import { checkImage, type Launcher } from '../vmm/launch.js';
import { StateDirectory } from '../vmm/state.js';
import { VmmDriver } from '../vmm/vmm-driver.js';
import type { KernelInitrdImage } from '../vmm-spec.js';
import { guardArguments, type LaunchOptions } from './arguments.js';
import { userIdOf, type Confinement } from './confinement.js';
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
export class QemuDriver extends VmmDriver {
  readonly #options: QemuDriverOptions;

  private constructor(options: QemuDriverOptions, state: StateDirectory) {
    super(options.accelerator, state, launcherOf(options));
    this.#options = options;
  }

  static async open(options: QemuDriverOptions): Promise<QemuDriver> {
    return new QemuDriver(options, await StateDirectory.at(options.statePath));
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
