import { buildProgram } from '../apps/cli/src/program.js';
import { vi } from 'vitest';
import type { ApiWorld } from './api-world.js';

/** `berth` in this process, as the administrator of a world; what it printed and told. @throws what it ends with */
export async function berthIn(world: ApiWorld, ...args: string[]): Promise<{ out: string; told: string }> {
  let [out, told] = ['', ''];
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => (out += String(text)) !== ''),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => (told += String(text)) !== ''),
  ];
  const environment = { BERTH_ENDPOINT: `http://127.0.0.1:${world.api.port}`, BERTH_TOKEN: world.adminToken };
  try {
    await buildProgram(environment).parseAsync(args, { from: 'user' });
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return { out, told };
}
