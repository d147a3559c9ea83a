import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { VmmHandle } from '@berth/engine/driver.js';
import { untilReady } from '@berth/engine/until-ready.js';
import type { Drive, VmmSpec } from '@berth/engine/vmm-spec.js';
import { TcgNode } from '../e2e/tcg-node.js';
import { pressKeys } from './keyboard.js';
import { screenText } from './screen-text.js';

const pollMs = 250;
const consoleMaxBytes = 1024 * 1024;

/** A read-only medium of somebody else's making. */
export function medium(kind: Drive['medium'], path: string, changes: Partial<Drive> = {}): Drive {
  return { id: kind, medium: kind, path, format: 'raw', readOnly: true, ...changes };
}

/** A guest that knows nothing of us: it is judged by what stands on its serial port and on its screen. */
export class UnmodifiedGuest {
  private constructor(
    private readonly node: TcgNode,
    readonly handle: VmmHandle,
    /** From the start to the sign of readiness that its spec names. */
    readonly readyMs: number,
  ) {}

  static async boot(node: TcgNode, spec: Partial<VmmSpec>, withinMs: number): Promise<UnmodifiedGuest> {
    const whole = { image: { kind: 'firmware', firmware: 'bios' }, ...spec } as const;
    const signal = AbortSignal.timeout(withinMs);
    const handle = await node.driver.start(node.spec(whole), signal);
    const { state, phasesMs, exit } = await untilReady(node.driver, handle, signal);
    if (state !== 'running') throw new Error(`the guest is gone: ${exit?.detail}`);
    return new UnmodifiedGuest(node, handle, phasesMs.ready ?? Number.NaN);
  }

  async serial(): Promise<string> {
    return (await this.node.driver.consoleTail(this.handle, consoleMaxBytes)).toString('latin1');
  }

  /** A PNG. */
  screenshot(): Promise<Buffer> {
    return this.node.driver.screenshot(this.handle);
  }

  async screen(): Promise<string> {
    return screenText(await this.screenshot());
  }

  /** Resolves to the whole text once it holds what is sought; rejects with what stood there instead. */
  async until(where: 'serial' | 'screen', sought: string | RegExp, withinMs: number): Promise<string> {
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      const text = await this[where]();
      if (typeof sought === 'string' ? text.includes(sought) : sought.test(text)) return text;
      if (performance.now() > deadlineMs)
        throw new Error(`no ${String(sought)} on the ${where}:\n${text.slice(-2000)}`);
      await delay(pollMs);
    }
  }

  async type(text: string): Promise<void> {
    const console = this.node.driver.console(this.handle);
    console.end(text);
    console.resume();
    await once(console, 'close');
  }

  async press(keys: readonly string[]): Promise<void> {
    await pressKeys(await this.node.driver.screen(this.handle), keys);
  }
}
