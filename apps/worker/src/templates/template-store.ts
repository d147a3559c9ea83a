import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Template } from '@berth/engine/make-template.js';
import { z } from 'zod';

/** A key that failed so often, in the making or in use, is left alone until the worker starts again. */
const failuresMax = 3;

const kept = z.object({
  statePath: z.string(),
  memoryPath: z.string().optional(),
  diskPath: z.string().optional(),
  bytes: z.number(),
});

export type MakeTemplate = (directory: string) => Promise<Template>;

export interface TemplateStoreOptions {
  readonly folder: string;
  readonly budgetBytes: number;
  /** Another epoch, other templates: whatever was kept in an earlier one is removed. */
  readonly epoch: string;
  readonly onBuilt: (key: string, outcome: 'built' | 'failed', error?: unknown) => void;
}

/**
 * The templates of one node, by a key that names all they depend on: built one at a time, the least recently used ones
 * removed when they take more than the budget. Removal harms no guest that runs: it holds on to what it maps.
 */
export class TemplateStore {
  /** In the order of their last use. */
  private readonly templates = new Map<string, Template>();
  private readonly failures = new Map<string, number>();
  private readonly wanted = new Set<string>();
  private building: Promise<void> = Promise.resolve();

  constructor(private readonly options: TemplateStoreOptions) {}

  /** Takes up what is whole of the same epoch. */
  async open(): Promise<void> {
    const { folder, epoch } = this.options;
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    for (const other of await readdir(folder)) {
      if (other !== epoch) await rm(join(folder, other), { recursive: true, force: true });
    }
    for (const key of await readdir(this.path)) {
      const template = await readKept(this.pathOf(key));
      if (template) this.templates.set(key, template);
      else await rm(this.pathOf(key), { recursive: true, force: true });
    }
    await this.shrink();
  }

  get bytes(): number {
    return [...this.templates.values()].reduce((sum, template) => sum + template.bytes, 0);
  }

  get count(): number {
    return this.templates.size;
  }

  take(key: string): Template | undefined {
    const template = this.templates.get(key);
    if (!template) return undefined;
    this.templates.delete(key);
    this.templates.set(key, template);
    return template;
  }

  /** Of no use: a guest could not begin from it. */
  async drop(key: string): Promise<void> {
    this.fail(key);
    await this.remove(key);
  }

  /** In the background, unless it is there, on its way, or has failed too often. */
  build(key: string, make: MakeTemplate): void {
    if (this.templates.has(key) || this.wanted.has(key) || (this.failures.get(key) ?? 0) >= failuresMax) return;
    this.wanted.add(key);
    this.building = this.inTurn(this.building, key, make);
  }

  /** Resolves when nothing is being built. */
  settled(): Promise<void> {
    return this.building;
  }

  private async inTurn(before: Promise<void>, key: string, make: MakeTemplate): Promise<void> {
    await before;
    try {
      await this.make(key, make);
      this.options.onBuilt(key, 'built');
    } catch (error) {
      this.fail(key);
      this.options.onBuilt(key, 'failed', error);
    } finally {
      this.wanted.delete(key);
    }
  }

  private async make(key: string, make: MakeTemplate): Promise<void> {
    const path = this.pathOf(key);
    await mkdir(path, { mode: 0o700 });
    try {
      const template = await make(path);
      const { budgetBytes } = this.options;
      if (template.bytes > budgetBytes) throw new Error(`${template.bytes} bytes are more than all of ${budgetBytes}`);
      await writeFile(join(path, 'template.json.new'), JSON.stringify(template), { mode: 0o600 });
      await rename(join(path, 'template.json.new'), join(path, 'template.json'));
      this.templates.set(key, template);
    } catch (error) {
      await rm(path, { recursive: true, force: true });
      throw error;
    }
    await this.shrink();
  }

  private async shrink(): Promise<void> {
    for (const key of this.templates.keys()) {
      if (this.bytes <= this.options.budgetBytes) return;
      await this.remove(key);
    }
  }

  private async remove(key: string): Promise<void> {
    if (this.templates.delete(key)) await rm(this.pathOf(key), { recursive: true, force: true });
  }

  private fail(key: string): void {
    this.failures.set(key, (this.failures.get(key) ?? 0) + 1);
  }

  private get path(): string {
    return join(this.options.folder, this.options.epoch);
  }

  private pathOf(key: string): string {
    return join(this.path, key);
  }
}

/** Written last: without it, the making was cut off. */
async function readKept(path: string): Promise<Template | undefined> {
  const text = await readFile(join(path, 'template.json'), 'utf8').catch(() => '');
  try {
    return kept.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
