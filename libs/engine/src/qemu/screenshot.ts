import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError } from '../driver.js';
import { screenFile } from './opened-files.js';
import type { QmpClient } from '../vmm/qmp.js';

/** Under emulation a large picture is packed in a second. */
const answerTimeoutMs = 10_000;
/** A guest chooses its resolution; the memory of its card allows no more than this. */
const pictureMaxBytes = 64 * 1024 * 1024;
const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

const fileSets = z.array(z.object({ 'fdset-id': z.int(), fds: z.array(z.object({ opaque: z.string().optional() })) }));

/** QEMU may open no file, so it draws into the one its guard opened. @throws EngineError no-answer, no-screen */
export async function takeScreenshot(qmp: QmpClient, vmmPath: string): Promise<Buffer> {
  const sets = fileSets.parse(await qmp.execute('query-fdsets', answerTimeoutMs));
  const set = sets.find(({ fds }) => fds.some(({ opaque }) => opaque === 'screen'));
  if (!set) throw new EngineError('no-screen', 'this guest has no screen, only a serial console');
  const file = await open(join(vmmPath, screenFile), 'r');
  try {
    // It empties the file and goes on where its last picture ended, so what stands before that is a hole.
    const { size: begin } = await file.stat();
    const asked = { filename: `/dev/fdset/${set['fdset-id']}`, format: 'png' };
    await qmp.execute('screendump', answerTimeoutMs, asked);
    const { size: end } = await file.stat();
    const picture = Buffer.alloc(Math.min(Math.max(0, end - begin), pictureMaxBytes));
    await file.read(picture, 0, picture.length, begin);
    const at = picture.indexOf(signature);
    if (at < 0) throw new EngineError('no-answer', 'QEMU drew no picture');
    return picture.subarray(at);
  } finally {
    await file.close();
  }
}
