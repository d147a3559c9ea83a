import { createHash } from 'node:crypto';
import { chown, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { GrowsDrives, MakesTemplates, RestOrder, SendsRest, SharesMemory } from '../abilities.js';
import { EngineError, type EngineCapabilities, type Observed, type ShowsScreen, type VmmHandle } from '../driver.js';
import type { Departure, GuestPlace, MigrationAddress, MigrationOrder, MoveCredentials } from '../migration.js';
import { checkImage, type Launcher } from '../vmm/launch.js';
import { withGuestAgent } from '../vmm/guest-agent.js';
import { qmpOf } from '../vmm/qmp.js';
import { saveGuest, stateFile } from '../vmm/saving.js';
import { StateDirectory } from '../vmm/state.js';
import type { Vmm } from '../vmm/vmm.js';
import { VmmDriver, type EngineFigures } from '../vmm/vmm-driver.js';
import { settleWhole } from '../vmm/whole-guest.js';
import type { KernelInitrdImage, VmmMemory, VmmSpec } from '../vmm-spec.js';
import { guardArguments, qemuArguments, type LaunchOptions } from './arguments.js';
import { makeCgroup, removeCgroup } from '../confinement/cgroup.js';
import { missingOf, type Confinement } from '../confinement/confinement.js';
import { allowMove, shutOf, type Shut } from '../confinement/guarding.js';
import { perlPath } from '../confinement/perl.js';
import { growDrive } from './disk-growth.js';
import { EngineMeter } from './engine-meter.js';
import { keepGuest, sendGuest } from './migration-source.js';
import { makeCredentialsFolder } from './move-credentials.js';
import { engineMajor, migrationFailed, placeOf } from './migration-state.js';
import { listenForGuest, welcomeGuest } from './migration-target.js';
import { forgetLending, memoryOffer, placeBetween, takeMemoryBack } from './memory-sharing.js';
import { writeVariables } from './firmware.js';
import { checkFile, openedFiles, variablesFile, type MachineFiles } from './opened-files.js';
import { isTorn, receiveRest, sendRest, untilWhole } from './postcopy.js';
import { probeQemu } from './probe.js';
import { takeScreenshot } from './screenshot.js';
import { connectScreen, lendScreenFolder, takeScreenSocket } from './screen-socket.js';
import { portTaken } from './network.js';
import { memoryOf } from './state-arguments.js';
import { userIdOf } from '../confinement/user-ids.js';
import { canSave, qemuVersion } from './version.js';

export interface QemuDriverOptions extends Omit<LaunchOptions, keyof Shut | 'leasePath' | 'saves'> {
  /** This node's own directory; nobody else may write to it. */
  readonly statePath: string;
  /** What `probe` boots. */
  readonly smokeImage: KernelInitrdImage;
  readonly confinement: Confinement;
}

const commandTimeoutMs = 5000;
const noPostcopy =
  'no userfaultfd: no postcopy to here; a guest that writes faster than is sent is slowed down, then stopped';

/**
 * Guests as QEMU processes under guards of their own: `kvm` and `tcg` are this driver with one argument between them.
 */
export class QemuDriver extends VmmDriver implements SendsRest, SharesMemory, MakesTemplates, GrowsDrives, ShowsScreen {
  readonly #options: QemuDriverOptions;
  readonly #version: string | undefined;
  readonly #meter = new EngineMeter();

  private constructor(options: QemuDriverOptions, state: StateDirectory, version: string | undefined) {
    super(options.accelerator, state, launcherOf(options, canSave(version)));
    this.#options = options;
    this.#version = version;
  }

  static async open(options: QemuDriverOptions): Promise<QemuDriver> {
    const version = await qemuVersion(options.qemuPath);
    return new QemuDriver(options, await StateDirectory.at(options.statePath), version);
  }

  get takesRests(): boolean {
    return this.#options.confinement.faultAccess !== undefined;
  }

  get lacks(): readonly string[] {
    const { confinement } = this.#options;
    return [...missingOf(confinement), ...(confinement.faultAccess ? [] : [noPostcopy])];
  }

  override async start(spec: VmmSpec, signal: AbortSignal): Promise<VmmHandle> {
    const handle = await super.start(spec, signal);
    await takeScreenSocket(this.state.vmmPath(handle.vmmId));
    return handle;
  }

  override async recover(handle: VmmHandle): Promise<Observed> {
    await forgetLending(await this.known.find(handle));
    return super.recover(handle);
  }

  override async release(handle: VmmHandle): Promise<void> {
    await super.release(handle);
    const { cgroups } = this.#options.confinement;
    if (cgroups) await removeCgroup(cgroups, handle.vmmId);
  }

  async receive(handle: VmmHandle, host: string, credentials?: MoveCredentials): Promise<MigrationAddress> {
    return listenForGuest(await this.known.live(handle), host, credentials);
  }

  async memoryOffer(handle: VmmHandle): Promise<VmmMemory | undefined> {
    return memoryOffer(await this.known.live(handle));
  }

  async migrate(handle: VmmHandle, order: MigrationOrder): Promise<Departure> {
    await this.#allow(handle, order.to);
    return sendGuest(await this.known.live(handle), order);
  }

  async sendRest(handle: VmmHandle, order: RestOrder): Promise<number> {
    const reconnect = async () => {
      const to = await order.reconnect();
      if (to) await this.#allow(handle, to);
      return to;
    };
    const vmm = await this.known.live(handle);
    return (await vmm.lending.isOthers()) ? 0 : sendRest(vmm, { ...order, reconnect });
  }

  async untilWhole(handle: VmmHandle, signal: AbortSignal): Promise<void> {
    return untilWhole(await this.known.live(handle), signal);
  }

  async receiveRest(handle: VmmHandle, host: string): Promise<MigrationAddress> {
    return receiveRest(await this.known.live(handle), host);
  }

  async placeOf(handle: VmmHandle): Promise<GuestPlace> {
    const vmm = await this.known.find(handle);
    await vmm?.check();
    return !vmm || vmm.isGone ? 'gone' : placeBetween(vmm);
  }

  async engineMajor(handle: VmmHandle): Promise<number> {
    return engineMajor(await this.known.live(handle));
  }

  async resume(handle: VmmHandle): Promise<void> {
    const vmm = await this.known.live(handle);
    await takeMemoryBack(vmm);
    const place = await placeOf(vmm);
    if (place === 'awaited') throw migrationFailed(handle, 'no guest has arrived');
    if (place === 'arrived') await welcomeGuest(vmm);
    if (place === 'left' && (await isTorn(vmm)))
      throw migrationFailed(handle, 'part of its memory is at its target only');
    await keepGuest(vmm);
    void vmm.check().then(() => vmm.hear()); // ready as soon as it says so, not at its next beat
  }

  probe(limitMs?: number): Promise<EngineCapabilities> {
    return probeQemu(this, this.state, this.#options, limitMs);
  }

  async save(handle: VmmHandle, statePath: string): Promise<void> {
    if (!canSave(this.#version)) throw new EngineError('no-answer', `QEMU ${this.#version} cannot save a guest safely`);
    const vmm = await this.known.live(handle);
    const memory = memoryOf(vmm.record.spec);
    await saveGuest(qmpOf(vmm), join(vmm.path, stateFile), statePath, memory !== undefined && !memory.isPrivate);
  }

  async becomeTemplate(handle: VmmHandle, signal: AbortSignal): Promise<void> {
    const { signs, path } = await this.known.live(handle);
    if (signs) await withGuestAgent(signs.agent, path, (agent) => settleWhole(agent, signal));
    else await (await this.agentOf(handle)).ask('template', commandTimeoutMs);
  }

  machineDigest(spec: VmmSpec): string | undefined {
    if (!canSave(this.#version)) return undefined;
    const { origin: _, memoryPath: __, network, ...machine } = spec;
    const card = network && { network: { macAddress: '', forwards: [] } };
    const anyone = { ...machine, ...card, vmmId: '', instanceId: '', instanceName: '', generation: 0 };
    const words = [this.#version, spec.image, qemuArguments(anyone, { ...this.#options, sharesMemory: false })];
    return createHash('sha256').update(JSON.stringify(words)).digest('hex');
  }

  async growDrive(handle: VmmHandle, driveId: string, sizeBytes: number): Promise<void> {
    await growDrive(qmpOf(await this.known.live(handle)), driveId, sizeBytes);
  }

  async screenshot(handle: VmmHandle): Promise<Buffer> {
    const { qmp, path } = await this.known.live(handle);
    if (!qmp) throw new EngineError('no-answer', `QEMU of vmm ${handle.vmmId} does not answer`);
    return takeScreenshot(qmp, path);
  }

  async screen(handle: VmmHandle): Promise<Duplex> {
    return connectScreen((await this.known.live(handle)).path);
  }

  protected override engineFigures(vmm: Vmm): Promise<EngineFigures> {
    return this.#meter.figuresOf(vmm);
  }

  #allow({ vmmId }: VmmHandle, to: MigrationAddress): Promise<void> {
    return allowMove(this.#options.confinement, vmmId, to);
  }
}

function launcherOf({ confinement, ...options }: QemuDriverOptions, saves: boolean): Launcher {
  const { cgroups, userIds, faultAccess } = confinement;
  const { firmware } = options;
  const userIdFor = ({ vmmId }: VmmSpec) => userIds && userIdOf(vmmId, userIds);
  return {
    check: (spec) => checkFiles(spec, options, userIds !== undefined),
    prepare: async (spec, vmmPath) => {
      await Promise.all([cgroups && makeCgroup(cgroups, spec, options.accelerator), makeCredentialsFolder(vmmPath)]);
      const isNew = (spec.origin?.kind ?? 'boot') === 'boot';
      if (spec.memoryPath !== undefined && isNew) await makeMemory(spec.memoryPath, spec.memoryMib, userIdFor(spec));
      if (spec.image.kind === 'firmware') await lendScreenFolder(vmmPath);
      if (isUefi(spec) && firmware) await writeVariables(firmware, join(vmmPath, variablesFile));
    },
    command: (spec, leasePath) => {
      const faultGroup = spec.origin?.kind === 'incoming' && spec.origin.postcopy ? faultAccess?.group : undefined;
      const shut = {
        ...shutOf(confinement, spec.vmmId),
        ...(faultGroup === undefined ? {} : { groupId: faultGroup }),
      };
      return { program: perlPath, args: guardArguments(spec, { ...options, leasePath, saves, ...shut }) };
    },
    isPortTaken: (lastWords) => portTaken.test(lastWords),
  };
}

/** An empty file that takes no room until the guest writes, and that only its vmm's user may open. */
async function makeMemory(path: string, memoryMib: number, userId: number | undefined): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.truncate(memoryMib * 1024 * 1024);
  } finally {
    await file.close();
  }
  if (userId !== undefined) await chown(path, userId, userId);
}

async function checkFiles(spec: VmmSpec, node: MachineFiles, byEveryUser: boolean): Promise<void> {
  if (spec.image.kind === 'kernel-initrd') await checkImage(spec.image, byEveryUser);
  if (isUefi(spec) && !node.firmware) {
    throw new EngineError('image-unavailable', 'this node has no UEFI; install it with: apt-get install ovmf');
  }
  await Promise.all(openedFiles(spec, node).map(checkFile));
}

function isUefi({ image }: VmmSpec): boolean {
  return image.kind === 'firmware' && image.firmware === 'uefi';
}
