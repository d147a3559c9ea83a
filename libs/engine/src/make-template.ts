import { randomUUID } from 'node:crypto';
import { chmod, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { MakesTemplates } from './abilities.js';
import { EngineError, type EngineDriver } from './driver.js';
import { untilReady } from './until-ready.js';
import type { VmmSpec } from './vmm-spec.js';

/** A guest that was booted once, as files: any number of others begin as private copies of it. */
export interface Template {
  readonly statePath: string;
  /** Absent where the engine keeps memory in the state. */
  readonly memoryPath?: string | undefined;
  /** What it has written over its image; absent: it has no disk. */
  readonly diskPath?: string | undefined;
  /** What the files take, holes left out. */
  readonly bytes: number;
}

/** The address of a network card is the template's own, and each copy's is another. Its drives are in its directory. */
export type TemplateShape = Pick<VmmSpec, 'vcpus' | 'memoryMib' | 'image' | 'network' | 'drives' | 'ready' | 'profile'>;

/**
 * Boots a guest of the shape, saves it into `directory`, which holds nothing but its drives, and ends it. It is
 * nobody's: no record of an instance knows it, and a worker that finds one left over releases it.
 * @throws EngineError start-failed when the guest does not become ready, and all that `start` and `save` throw
 */
export async function makeTemplate(
  driver: EngineDriver & MakesTemplates,
  shape: TemplateShape,
  directory: string,
  signal: AbortSignal,
): Promise<Template> {
  const [statePath, memoryPath] = [join(directory, 'state'), join(directory, 'memory')];
  const name = `template-${randomUUID()}`;
  const spec = { ...shape, vmmId: name, instanceId: name, instanceName: 'template', generation: 1, memoryPath };
  const handle = await driver.start({ ...spec, onIsolation: 'stop' }, signal);
  try {
    const { state, exit } = await untilReady(driver, handle, signal);
    if (state !== 'running')
      throw new EngineError('start-failed', `the template did not boot: ${exit?.detail ?? state}`);
    await driver.becomeTemplate(handle, signal);
    await driver.save(handle, statePath);
  } finally {
    await driver.release(handle);
  }
  const names = await readdir(directory);
  const hasMemory = names.includes('memory');
  // each clone opens it as a user of its own, and no other way leads to it
  if (hasMemory) await chmod(memoryPath, 0o444);
  const files = await Promise.all(names.map((file) => stat(join(directory, file))));
  const bytes = files.reduce((sum, file) => sum + file.blocks * 512, 0);
  const disk = shape.drives?.find(({ readOnly }) => !readOnly);
  return { statePath, bytes, ...(hasMemory && { memoryPath }), ...(disk && { diskPath: disk.path }) };
}
