import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { monotonicMs } from '../vmm/clock.js';
import { tickMs } from '../vmm/process.js';
import { romExitCode, romModes } from './rom.js';

/**
 * passed: counted to the end and left as it should. timeout: still there at the deadline. stopped: QEMU stopped the
 * guest, which it does on an internal error. reset: the processor shut down on a fault. aborted: QEMU itself ended.
 * missing: there is no such program.
 */
export type RomEnding = 'passed' | 'timeout' | 'stopped' | 'reset' | 'aborted' | 'missing';

export interface RomRun {
  readonly ending: RomEnding;
  /** From the start of QEMU. */
  readonly totalMs: number;
  /** The firmware has begun. */
  readonly began: boolean;
  /** Of `romChunksPerMode` in each mode. */
  readonly chunks: number;
  /** From its first sign to its last, or to the deadline. */
  readonly guestMs: number;
  /** CPU time of QEMU between the two; the processors of a busy host count for nothing here. */
  readonly guestCpuMs: number;
  /** The last line of what QEMU said, or how it ended. */
  readonly lastWords: string;
}

export interface RomPlace {
  readonly qemuPath: string;
  readonly romPath: string;
}

/** QMP goes by an inherited socket: a probe leaves nothing in the file system. */
const qmpDescriptor = 3;

function romArguments(accelerator: string, romPath: string): string[] {
  return [
    ['-machine', 'pc', '-m', '16', '-accel', accelerator, '-cpu', 'qemu64'],
    ['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ['-bios', romPath, '-device', 'isa-debug-exit,iobase=0xf4', '-serial', 'stdio'],
    ['-chardev', `socket,id=qmp,fd=${qmpDescriptor}`, '-mon', 'chardev=qmp,mode=control'],
  ].flat();
}

/** One run of the firmware. It ends by itself or by `end('timeout')`; whichever is first counts. */
export class RomTrial {
  readonly ended: Promise<RomRun>;
  /** The firmware has given its first sign. */
  readonly began: Promise<void>;
  readonly startedAtMs = monotonicMs();
  readonly #child: ChildProcess;
  #tellEnd!: (run: RomRun) => void;
  #tellBegin!: () => void;
  #first: { atMs: number; cpuMs: number } | undefined;
  #last: { atMs: number; cpuMs: number } | undefined;
  #isOver = false;
  #heard = '';
  #words = '';

  constructor(accelerator: string, { qemuPath, romPath }: RomPlace) {
    this.ended = new Promise((resolve) => (this.#tellEnd = resolve));
    this.began = new Promise((resolve) => (this.#tellBegin = resolve));
    const stdio = ['ignore', 'pipe', 'pipe', 'pipe'] as const;
    this.#child = spawn(qemuPath, romArguments(accelerator, romPath), { stdio: [...stdio] });
    this.#child.once('error', (error) => {
      this.#words = error.message;
      this.end('missing');
    });
    this.#child.stdout?.on('data', (bytes: Buffer) => this.#hear(bytes.toString('latin1')));
    this.#child.stderr?.on('data', (bytes: Buffer) => (this.#words = (this.#words + bytes.toString()).slice(-4096)));
    this.#child.once('close', (code, signal) => this.#closed(code, signal));
    this.#listenToQmp();
  }

  get beganAtMs(): number | undefined {
    return this.#first?.atMs;
  }

  /** QEMU is not waited for: one that a device holds in the kernel may never go. */
  end(ending: RomEnding): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const endedAtMs = monotonicMs();
    const last = ending === 'passed' ? this.#last : this.#sign();
    const first = this.#first ?? last;
    this.#child.kill('SIGKILL');
    this.#child.unref();
    for (const stream of this.#child.stdio) stream?.destroy();
    this.#tellEnd({
      ending,
      totalMs: endedAtMs - this.startedAtMs,
      began: this.#heard.startsWith('A'),
      chunks: this.#heard.split('.').length - 1,
      guestMs: this.#first ? Math.max(1, (last?.atMs ?? endedAtMs) - this.#first.atMs) : 0,
      guestCpuMs: Math.max(0, (last?.cpuMs ?? 0) - (first?.cpuMs ?? 0)),
      lastWords: this.#words.trim().split('\n').at(-1)?.slice(0, 300) ?? '',
    });
  }

  #hear(text: string): void {
    this.#heard += text;
    this.#last = this.#sign();
    this.#first ??= this.#last;
    this.#tellBegin();
    if (this.#heard.indexOf('A', 1) > 0) this.end('reset');
  }

  #sign(): { atMs: number; cpuMs: number } {
    return { atMs: monotonicMs(), cpuMs: cpuMsOf(this.#child.pid) };
  }

  #listenToQmp(): void {
    const qmp = this.#child.stdio[qmpDescriptor] as Duplex | null | undefined;
    if (!qmp) return;
    qmp.on('error', () => undefined); // it ends with QEMU
    qmp.write('{"execute":"qmp_capabilities"}\n');
    let said = '';
    qmp.on('data', (bytes: Buffer) => {
      said = (said + bytes.toString('latin1')).slice(-4096);
      if (/"event": *"STOP"/.test(said)) this.end('stopped');
      else if (/"guest-reset"|"event": *"RESET"/.test(said)) this.end('reset');
    });
  }

  #closed(code: number | null, signal: NodeJS.Signals | null): void {
    if (code === romExitCode && this.#heard.endsWith(romModes.at(-1)!.mark)) return this.end('passed');
    this.#words ||= signal ? `ended by ${signal}` : `ended with exit code ${code}`;
    this.end('aborted');
  }
}

/** Of all its threads; also of a process that has ended and was not waited for yet. */
function cpuMsOf(pid: number | undefined): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * tickMs;
  } catch {
    return 0;
  }
}
