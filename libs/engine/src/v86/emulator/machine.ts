import { access, constants } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { V86 } from 'v86';
import type { GuestClock } from './guest-clock.js';

declare module 'v86' {
  interface Event {
    /** The guest has halted with interrupts off: nothing wakes it any more. */
    'cpu-event-halt': void;
  }
  interface V86 {
    readonly bus: { send(event: 'virtio-console0-input-bytes', bytes: Uint8Array): void };
    /** Every way a guest can reset its machine ends in `reboot_internal`. */
    readonly v86: { readonly cpu: { reboot_internal: () => void } };
  }
}

export interface MachineParts {
  readonly memoryMib: number;
  readonly bios: Uint8Array;
  readonly vgaBios: Uint8Array;
  /** A bzImage. */
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly cmdline: string;
}

export interface MachineListener {
  readonly onSerial: (byte: number) => void;
  readonly onAgent: (bytes: Uint8Array) => void;
  /** The guest will never run again by itself: it powered off, or stopped for good. */
  readonly onHalt: () => void;
  /** The guest has reset its machine, which stands still now until it is restarted. */
  readonly onReset: () => void;
}

/** All of a guest, and what time it was for it. */
export interface MachineState {
  readonly guestMs: number;
  readonly bytes: ArrayBuffer;
}

/** Where v86 puts the kernel's header; these two fields of it name the initial RAM disk (Linux x86 boot protocol). */
const headerAt = 0x80000;
const ramdiskImageAt = headerAt + 0x218;
/** SeaBIOS keeps the top eighth of memory for its tables, at most this. */
const biosShare = 8;
const biosMaxBytes = 16 * 1024 * 1024;
const pageBytes = 4096;
/** Where v86 itself puts the initial RAM disk; one near the top of 128 MiB and more is not whole by the boot. */
const initrdAtMax = 64 * 1024 * 1024;
const vgaMemoryBytes = 1024 * 1024;
const wasmPath = join(dirname(fileURLToPath(import.meta.resolve('v86'))), 'v86.wasm');

/**
 * One PC in this process. A reset gives it a new emulator: v86 resets some of its devices only, and the kernel, which
 * it lays into memory itself, has been overwritten by then.
 */
export class Machine {
  /** Undefined while it is put together. */
  #emulator: V86 | undefined;

  constructor(
    private readonly parts: MachineParts,
    private readonly listener: MachineListener,
    private readonly clock: GuestClock,
  ) {}

  /** By QEMU's words: `inmigrate` until a saved guest is there. */
  get status(): 'inmigrate' | 'paused' | 'running' {
    if (!this.clock.isStopped) return 'running';
    return this.#emulator ? 'paused' : 'inmigrate';
  }

  async boot(): Promise<void> {
    const emulator = await this.#assemble();
    this.#placeInitrd(emulator);
    this.#emulator = emulator;
    await this.resume();
  }

  /** Takes up what `save` gave, and stands still at the time it was saved. */
  async restore({ guestMs, bytes }: MachineState): Promise<void> {
    this.clock.stopAt(guestMs);
    const emulator = await this.#assemble();
    await emulator.restore_state(bytes);
    this.#emulator = emulator;
  }

  async restart(): Promise<void> {
    const former = this.#emulator;
    this.#emulator = undefined;
    await former?.destroy();
    await this.boot();
  }

  async pause(): Promise<void> {
    await this.#emulator?.stop();
    this.clock.stop();
  }

  async resume(): Promise<void> {
    if (!this.#emulator) throw new Error('there is no guest yet');
    this.clock.go();
    await this.#emulator.run();
  }

  /** Of a paused machine: the guest must not run between the save and what is done with it. */
  async save(): Promise<MachineState> {
    if (!this.#emulator || !this.clock.isStopped) throw new Error('only a paused machine is saved');
    return { guestMs: this.clock.now(), bytes: await this.#emulator.save_state() };
  }

  typeSerial(bytes: Uint8Array): void {
    this.#emulator?.serial_send_bytes(0, bytes);
  }

  sendAgent(bytes: Uint8Array): void {
    this.#emulator?.bus.send('virtio-console0-input-bytes', bytes);
  }

  async #assemble(): Promise<V86> {
    const { memoryMib, bios, vgaBios, kernel, cmdline } = this.parts;
    const { V86 } = await import('v86'); // takes hold of the clock that stands by then
    const emulator = new V86({
      wasm_path: wasmPath,
      memory_size: memoryMib * 1024 * 1024,
      vga_memory_size: vgaMemoryBytes,
      bios: { buffer: bufferOf(bios) },
      vga_bios: { buffer: bufferOf(vgaBios) },
      bzimage: { buffer: bufferOf(kernel) },
      cmdline,
      acpi: true,
      fastboot: true,
      virtio_console: { type: 'none' },
      disable_keyboard: true,
      disable_mouse: true,
      disable_speaker: true,
    });
    const { onSerial, onAgent, onHalt } = this.listener;
    emulator.add_listener('serial0-output-byte', onSerial);
    emulator.add_listener('virtio-console0-output-bytes', onAgent);
    emulator.add_listener('cpu-event-halt', onHalt);
    await new Promise<void>((resolve) => emulator.add_listener('emulator-loaded', resolve));
    const { cpu } = emulator.v86;
    const reboot = cpu.reboot_internal.bind(cpu);
    let isReset = false;
    cpu.reboot_internal = () => {
      reboot(); // it runs on for a moment: in the BIOS, not where a kernel tries harder and harder
      if (isReset) return;
      isReset = true;
      void emulator.stop();
      setImmediate(this.listener.onReset);
    };
    return emulator;
  }

  /** Lower than v86 itself does where a small guest has no memory there. */
  #placeInitrd(emulator: V86): void {
    const { memoryMib, initrd } = this.parts;
    const memoryBytes = memoryMib * 1024 * 1024;
    const end = memoryBytes - Math.min(memoryBytes / biosShare, biosMaxBytes);
    const highest = end - initrd.length;
    const at = Math.min(initrdAtMax, highest - (highest % pageBytes));
    emulator.write_memory(initrd, at);
    emulator.write_memory(new Uint8Array(new Uint32Array([at, initrd.length]).buffer), ramdiskImageAt);
  }
}

/** @throws where this process may not read all that v86 is */
export async function loadEmulator(): Promise<void> {
  await access(wasmPath, constants.R_OK);
  await import('v86');
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
