import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { ShowsScreen } from '@berth/engine/driver.js';
import { ModelDriver } from '@berth/engine/model-driver/model-driver.js';
import { connectScreen } from '@berth/engine/qemu/screen-socket.js';
import { seededRandom } from '@berth/simulation/random.js';

export const greeting = 'RFB 003.008\n';

/**
 * An engine whose guests show one screen, on a socket where QEMU has its own: it greets, notes what is said and says
 * it back.
 */
export class EchoScreen extends ModelDriver implements ShowsScreen {
  readonly viewers = new Set<Socket>();
  private heard: Buffer[][] = [];
  private readonly server: Server;

  private constructor(private readonly folder: string) {
    super({ random: seededRandom(1) });
    this.server = createServer((viewer) => {
      const said: Buffer[] = [];
      this.heard.push(said);
      this.viewers.add(viewer);
      viewer.on('error', () => undefined).on('close', () => this.viewers.delete(viewer));
      viewer.on('data', (chunk) => said.push(chunk));
      viewer.write(greeting);
      viewer.pipe(viewer);
    });
  }

  static async open(): Promise<EchoScreen> {
    const screen = new EchoScreen(await mkdtemp(join(tmpdir(), 'berth-screen-')));
    screen.server.listen(join(screen.folder, 'vnc.sock'));
    await once(screen.server, 'listening');
    return screen;
  }

  /** What each viewer said that came since this was asked last. */
  takeHeard(): Buffer[] {
    const heard = this.heard.map((said) => Buffer.concat(said));
    this.heard = [];
    return heard;
  }

  screen(): Promise<Duplex> {
    return connectScreen(this.folder);
  }

  screenshot(): Promise<Buffer> {
    return Promise.reject(new Error('it has no picture'));
  }

  override async close(): Promise<void> {
    for (const viewer of this.viewers) viewer.destroy();
    this.server.close();
    await rm(this.folder, { recursive: true });
  }
}
