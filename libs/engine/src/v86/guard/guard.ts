import { closeSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { identify } from '../../vmm/process.js';
import type { GuardExit } from '../../vmm/record.js';
import { stateFile } from '../../vmm/saving.js';
import { Arriving } from './arriving.js';
import { Control } from './control.js';
import { Departing } from './departing.js';
import { guestClockOfThisProcess } from './guest-clock.js';
import { watchLease } from './lease-watch.js';
import { Machine } from './machine.js';
import type { GuardOptions } from './options.js';
import { readState, writeState } from './saved-state.js';
import { SerialConsole } from './serial-console.js';
import { SingleClient } from './single-client.js';

const panicText = 'Kernel panic - not syncing';
/** A kernel's last words, backtrace included. */
const panicTailBytes = 16 * 1024;

/**
 * The process of one vmm: v86 and its guard in one. It works in the vmm's state directory, outlives the worker, and
 * leaves there what QEMU's guard leaves: `guard.lock`, `process.json`, `serial.log`, the sockets, and `exit.json` last.
 */
export class Guard {
  readonly #machine: Machine;
  readonly #console: SerialConsole;
  readonly #agent: SingleClient;
  readonly #control: Control;
  readonly #arriving: Arriving;
  readonly #departing: Departing;

  private constructor(
    private readonly options: GuardOptions,
    files: Record<'bios' | 'vgaBios' | 'kernel' | 'initrd', Buffer>,
  ) {
    const { memoryMib, cmdline, consoleBytes, restore, incoming } = options;
    const clock = guestClockOfThisProcess();
    if (restore !== undefined || incoming) clock.stop();
    this.#console = new SerialConsole(consoleBytes, (bytes) => this.#machine.typeSerial(bytes));
    this.#agent = new SingleClient('agent.sock', () => (bytes) => this.#machine.sendAgent(bytes));
    this.#machine = new Machine(
      { memoryMib, cmdline, ...files },
      {
        onSerial: this.#console.say,
        onAgent: (bytes) => this.#agent.send(bytes),
        onHalt: () => this.#end({ exitCode: this.#hasPanicked() ? 1 : 0 }),
        onReset: () => (this.#hasPanicked() ? this.#end({ exitCode: 1 }) : void this.#reset()),
      },
      clock,
    );
    this.#departing = new Departing(this.#machine, memoryMib, (event) => this.#control.tell(event));
    this.#arriving = new Arriving(memoryMib, {
      take: (state) => this.#machine.restore(state),
      give: ({ message }) => this.#fail(message), // a source may go; that is no fault of this program
    });
    this.#control = new Control({
      qmp_capabilities: () => ({}),
      'query-status': () => ({ status: this.#status }),
      system_reset: () => this.#reset(),
      stop: async () => {
        await this.#machine.pause();
        this.#control.tell('STOP');
      },
      cont: async () => {
        await this.#departing.forget();
        await this.#machine.resume();
        this.#control.tell('RESUME');
      },
      'await-guest': (order) => this.#arriving.listen(order),
      'send-guest': (order) => this.#departing.begin(order),
      'query-move': () => this.#departing.show(),
      'switch-over': () => this.#departing.switchOver(),
      'save-state': async () => writeState(stateFile, memoryMib, await this.#machine.save()),
    });
  }

  /** Resolves when the guest runs. @throws when the vmm was launched before, or its files cannot be read */
  static async run(options: GuardOptions): Promise<void> {
    process.umask(0o077);
    closeSync(openSync('guard.lock', 'wx', 0o600)); // one vmm is launched at most once, whoever retries
    process.title = `berth-${options.name}`;
    writeFileSync('/proc/self/oom_score_adj', '500'); // before the worker
    const [bios, vgaBios, kernel, initrd] = await Promise.all(
      [options.bios, options.vgaBios, options.kernel, options.initrd].map((path) => readFile(path)),
    );
    if (!bios || !vgaBios || !kernel || !initrd) throw new Error('a file is missing');
    await new Guard(options, { bios, vgaBios, kernel, initrd }).#run();
  }

  async #run(): Promise<void> {
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGPIPE'] as const) process.on(signal, () => undefined);
    process.on('SIGTERM', () => this.#end({ signal: constants.signals.SIGTERM }));
    process.on('uncaughtException', (error) => this.#fail(error));
    process.on('unhandledRejection', (error) => this.#fail(error));
    const self = await identify(process.pid);
    replaceFile('process.json', JSON.stringify({ guard: self, vmm: self }));
    const { lease, restore, incoming, memoryMib } = this.options;
    const state = restore === undefined ? undefined : await readState(restore, memoryMib);
    // a guest without a lease must not run a single instruction
    if (lease)
      watchLease(lease.path, lease.seconds, () => this.#end({ signal: constants.signals.SIGKILL, isolated: true }));
    if (incoming) return;
    await (state ? this.#machine.restore(state) : this.#machine.boot());
  }

  /** By QEMU's words, so that the worker asks every engine alike. */
  get #status(): string {
    const { status } = this.#departing;
    if (this.options.incoming && !this.#arriving.isHere) return 'inmigrate';
    if (status === 'none') return this.#machine.status;
    return status === 'left' || status === 'released' ? 'postmigrate' : 'finish-migrate';
  }

  async #reset(): Promise<void> {
    this.#control.tell('RESET');
    await this.#machine.restart();
  }

  #hasPanicked(): boolean {
    return this.#console.tailHolds(panicText, panicTailBytes);
  }

  #fail(error: unknown): void {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    this.#end({ exitCode: 1 });
  }

  #end({ exitCode = null, signal = 0, isolated = false, oom = false }: Partial<GuardExit>): void {
    this.#console.close();
    this.#agent.close();
    this.#control.close();
    replaceFile('exit.json', JSON.stringify({ exitCode, signal, isolated, oom } satisfies GuardExit));
    process.exit();
  }
}

function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
