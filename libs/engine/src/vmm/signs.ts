import type { Socket } from 'node:net';
import { join } from 'node:path';
import { readySignOf, type ReadySign, type VmmSpec } from '../vmm-spec.js';
import { monotonicMs } from './clock.js';
import { openUnix } from './connection.js';
import { GuestAgentClient } from './guest-agent.js';
import type { QmpClient } from './qmp.js';
import type { Milestones } from './record.js';
import type { StateDirectory } from './state.js';

/** What BIOS says about its work. In a ring, since a guest may write there for ever; read by `ringbuf-read`. */
export const firmwareLog = { id: 'firmwarelog', bytes: 65_536 } as const;

const answerTimeoutMs = 1000;
/** As much of what the guest wrote last as a sign may be spread over. */
const windowChars = 4096;

/** SeaBIOS, jumping to a boot sector; and OVMF, starting a loader, its own shell aside. */
const biosHandsOver = /Booting from [0-9a-f]{4}:[0-9a-f]{4}/;
const uefiHandsOver = /BdsDxe: starting Boot[0-9A-F]{4} "(?!EFI Internal Shell)/;
/** Colours and cursor movements, which may stand in the middle of words. */
const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[ -/]*[@-~]`, 'g');

/**
 * Watches a guest that holds no agent of ours, for what can be seen of it: that its kernel was entered, and the sign of
 * readiness that its image declares.
 */
export class Signs {
  readonly #ready: ReadySign;
  readonly #firmware: 'bios' | 'uefi' | undefined;
  #seen: Milestones = {};
  #written = '';
  #firmwareSaid = '';
  #console: Socket | undefined;
  #agent: GuestAgentClient | undefined;
  /** What stands on disk; undefined: not read yet. */
  #kept: Milestones | undefined;

  constructor(
    private readonly spec: VmmSpec,
    private readonly state: StateDirectory,
    private readonly onSign: () => void,
  ) {
    this.#ready = readySignOf(spec);
    this.#firmware = spec.image.kind === 'firmware' ? spec.image.firmware : undefined;
  }

  get #path(): string {
    return this.state.vmmPath(this.spec.vmmId);
  }

  get agent(): GuestAgentClient | undefined {
    return this.#agent;
  }

  /** The machine was reset: what was written before tells nothing about this boot. */
  reset(): void {
    this.#seen = {};
    this.#written = this.#firmwareSaid = '';
  }

  /** What was seen so far, by earlier workers too: most of it is shown once only. */
  async look(qmp: QmpClient | undefined): Promise<Milestones> {
    const { vmmId } = this.spec;
    this.#kept ??= this.#seen = (await this.state.readMilestones(vmmId)) ?? this.#seen;
    this.#listen();
    if (this.#firmware === 'bios' && !this.#seen.kernelAtMs) await this.#readFirmwareLog(qmp);
    if (!this.#firmware && !this.#seen.kernelAtMs) await this.#askWhetherItRuns(qmp);
    if (this.#ready === 'agent') await this.#askAgent();
    if (this.#seen !== this.#kept) await this.state.writeMilestones(vmmId, this.#seen);
    return (this.#kept = this.#seen);
  }

  /** It was ready in the vmm that it comes from, or was saved from, and will not show it once more. */
  async inherit(): Promise<void> {
    const nowMs = monotonicMs();
    this.#kept = this.#seen = { kernelAtMs: nowMs, readyAtMs: nowMs };
    await this.state.writeMilestones(this.spec.vmmId, this.#seen);
  }

  close(): void {
    this.#console?.destroy();
    this.#agent?.close();
  }

  #mark(milestone: keyof Milestones): void {
    this.#seen = { [milestone]: monotonicMs(), ...this.#seen };
    if (milestone === 'kernelAtMs' && this.#ready === 'firmware') this.#mark('readyAtMs');
  }

  async #readFirmwareLog(qmp: QmpClient | undefined): Promise<void> {
    const asked = { device: firmwareLog.id, size: firmwareLog.bytes };
    const text = await qmp?.execute('ringbuf-read', answerTimeoutMs, asked).catch(() => undefined);
    if (typeof text !== 'string') return;
    this.#firmwareSaid = (this.#firmwareSaid + text).slice(-windowChars); // reading empties the ring
    if (biosHandsOver.test(this.#firmwareSaid)) this.#mark('kernelAtMs');
  }

  /** No firmware stands before a kernel that is in memory already. */
  async #askWhetherItRuns(qmp: QmpClient | undefined): Promise<void> {
    if ((await qmp?.status(answerTimeoutMs).catch(() => undefined)) === 'running') this.#mark('kernelAtMs');
  }

  #listen(): void {
    if (this.#console || (this.#firmware !== 'uefi' && typeof this.#ready !== 'object')) return;
    const socket = openUnix(join(this.#path, 'serial.sock'));
    this.#console = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', () => undefined); // 'close' follows
    socket.once('close', () => (this.#console = undefined));
  }

  #read(text: string): void {
    if (this.#seen.readyAtMs) return;
    this.#written = (this.#written + text).replaceAll(escapes, '').slice(-windowChars);
    const before = this.#seen;
    if (this.#firmware === 'uefi' && uefiHandsOver.test(this.#written)) this.#mark('kernelAtMs');
    if (typeof this.#ready === 'object' && this.#written.includes(this.#ready.serial)) this.#mark('readyAtMs');
    if (Object.keys(this.#seen).length > Object.keys(before).length) this.onSign();
  }

  /** Kept once it has answered: commands go the same way. */
  async #askAgent(): Promise<void> {
    const path = join(this.#path, 'agent.sock');
    this.#agent ??= await GuestAgentClient.connect(path, () => (this.#agent = undefined)).catch(() => undefined);
    if (this.#seen.readyAtMs) return;
    await this.#agent?.ping(answerTimeoutMs).then(
      () => this.#mark('readyAtMs'),
      () => undefined,
    );
  }
}
