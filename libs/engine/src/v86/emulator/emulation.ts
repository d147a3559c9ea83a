import { readFileSync, writeSync } from 'node:fs';
import { Arriving } from './arriving.js';
import { Control } from './control.js';
import { Departing } from './departing.js';
import { guestClockOfThisProcess } from './guest-clock.js';
import { Machine } from './machine.js';
import type { EmulationOptions } from './options.js';
import { readState, writeState } from './saved-state.js';
import { SerialLine } from './serial-line.js';
import { SingleClient } from './single-client.js';

const panicText = 'Kernel panic - not syncing';
/** A kernel's last words, backtrace included. */
const panicTailBytes = 16 * 1024;
const standardError = 2;

/**
 * The process of one vmm, which is to v86 what QEMU's is to QEMU: all it touches is handed over open by its guard, and
 * it speaks the serial line by its standard input and output.
 */
export class Emulation {
  readonly #machine: Machine;
  readonly #serial: SerialLine;
  readonly #agent: SingleClient;
  readonly #control: Control;
  readonly #arriving: Arriving;
  readonly #departing: Departing;

  private constructor(private readonly options: EmulationOptions) {
    const { memoryMib, cmdline, restore, incoming } = options;
    const clock = guestClockOfThisProcess();
    if (restore !== undefined || incoming) clock.stop();
    this.#serial = new SerialLine(
      panicTailBytes,
      (bytes) => this.#machine.typeSerial(bytes),
      () => this.#fail(new Error('the guard is gone')),
    );
    this.#agent = new SingleClient(options.agent, () => (bytes) => this.#machine.sendAgent(bytes));
    this.#machine = new Machine(
      {
        memoryMib,
        cmdline,
        bios: readFileSync(options.bios),
        vgaBios: readFileSync(options.vgaBios),
        kernel: readFileSync(options.kernel),
        initrd: readFileSync(options.initrd),
      },
      {
        onSerial: this.#serial.say,
        onAgent: (bytes) => this.#agent.send(bytes),
        onHalt: () => this.#end(),
        onReset: () => (this.#hasPanicked() ? this.#end() : void this.#reset()),
      },
      clock,
    );
    this.#departing = new Departing(this.#machine, memoryMib, (event) => this.#control.tell(event));
    this.#arriving = new Arriving(memoryMib, {
      take: (state) => this.#machine.restore(state),
      give: ({ message }) => this.#fail(message), // a source may go; that is no fault of this program
    });
    this.#control = new Control(options.qmp, {
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
      'save-state': async () => writeState(options.outgoing, memoryMib, await this.#machine.save()),
    });
  }

  /** Resolves when the guest runs. @throws when its files cannot be read */
  static run(options: EmulationOptions): Promise<void> {
    return new Emulation(options).#run();
  }

  async #run(): Promise<void> {
    process.on('uncaughtException', (error) => this.#fail(error));
    process.on('unhandledRejection', (error) => this.#fail(error));
    const { restore, incoming, memoryMib } = this.options;
    if (incoming) return;
    if (restore === undefined) await this.#machine.boot();
    else await this.#machine.restore(await readState(restore, memoryMib));
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
    return this.#serial.tailHolds(panicText);
  }

  #fail(error: unknown): void {
    writeSync(standardError, `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  }

  #end(): void {
    const exitCode = this.#hasPanicked() ? 1 : 0;
    void this.#serial.close().then(() => process.exit(exitCode));
  }
}
