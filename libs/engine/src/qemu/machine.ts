import { machineIdOf } from '../identity.js';
import { readySignOf, type VmmSpec } from '../vmm-spec.js';
import { hasMemoryObject, memoryArguments } from './state-arguments.js';

export type Accelerator = 'kvm' | 'tcg';

/** MiB of translated code kept per guest: enough for the tiny guest, which a larger one boots no faster. */
const tinyTranslationCacheMib = 8;
/** A whole operating system in half of it spends a third more CPU on its boot. */
const translationCacheMib = 64;

/** What our Linux need not find out under emulation; each of these waits costs 40-100 ms of a boot. */
const emulationParameters = ['no_timer_check', 'noreplace-smp', 'lpj=5000000'];

/** x86-64-v2, which today's distributions are built for; the same under both accelerators, so that state can move. */
const wholeCpu = 'qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+lahf-lm';

/**
 * Without a TSC the emulated guest keeps time by the HPET, which is right on a busy host too: with one, Linux
 * calibrates it in 10 ms of a time slice it may not have, and its clock then runs at any speed. Other systems do not
 * boot without one.
 */
const tinyCpu = { tcg: 'qemu64,-tsc', kvm: 'qemu64' } as const satisfies Record<Accelerator, string>;

/** Board, processor, memory, and what its first instruction belongs to. */
export function machineArguments(spec: VmmSpec, accelerator: Accelerator, sharesMemory: boolean): string[] {
  const isWhole = !isTiny(spec);
  const cacheMib = isWhole ? translationCacheMib : tinyTranslationCacheMib;
  return [
    ['-accel', accelerator === 'tcg' ? `tcg,tb-size=${cacheMib}` : 'kvm,device=/dev/fdset/{kvm}'],
    ['-cpu', isWhole ? wholeCpu : tinyCpu[accelerator]],
    boardArguments(spec, hasMemoryObject(spec, sharesMemory) ? ',memory-backend=pc.ram' : ''),
    memoryArguments(spec, sharesMemory),
    ['-smp', `${spec.vcpus}`, '-m', `${spec.memoryMib}M`],
    kernelArguments(spec, accelerator),
  ].flat();
}

/** A guest of our own making: no other beats. */
function isTiny(spec: VmmSpec): boolean {
  return spec.image.kind === 'kernel-initrd' && readySignOf(spec) === 'beat';
}

/** Where a kernel is given, qboot instead of SeaBIOS saves 0.15 s; SeaBIOS shows nothing on a q35 without SMM. */
function boardArguments({ image, profile = 'virtio', drives = [] }: VmmSpec, memory: string): string[] {
  if (image.kind === 'kernel-initrd') {
    const sata = drives.some(({ medium }) => medium === 'cdrom') ? 'on' : 'off';
    const board = profile === 'virtio' ? `q35,sata=${sata},smm=off` : 'pc,smm=off';
    return ['-machine', `${board}${memory}`, '-bios', 'qboot.rom'];
  }
  const board = profile === 'virtio' ? 'q35' : 'pc';
  if (image.firmware === 'bios') return ['-machine', `${board}${memory}`];
  return [
    ['-blockdev', 'driver=file,node-name=firmware,read-only=on,filename=/dev/fdset/{firmware}'],
    ['-blockdev', 'driver=file,node-name=variables,filename=/dev/fdset/{variables}'],
    ['-machine', `${board},pflash0=firmware,pflash1=variables${memory}`],
  ].flat();
}

function kernelArguments(spec: VmmSpec, accelerator: Accelerator): string[] {
  const { image, vcpus, instanceId, instanceName } = spec;
  if (image.kind !== 'kernel-initrd') return [];
  const isMeasured = accelerator === 'tcg' && isTiny(spec);
  const emulation = isMeasured ? emulationParameters : [];
  // One vcpu is well served by the HPET alone and idles at a third; several would wake each other.
  const timer = isMeasured && vcpus === 1 ? ['nolapic_timer'] : [];
  const identity = [`hostname=${instanceName}`, `machineid=${machineIdOf(instanceId)}`];
  const parameters = [image.cmdline, ...emulation, ...timer, ...identity].join(' ');
  return ['-kernel', '/proc/self/fd/{kernel}', '-initrd', '/proc/self/fd/{initrd}', '-append', parameters];
}
