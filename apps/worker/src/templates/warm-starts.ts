import { createHash } from 'node:crypto';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import { makesTemplates, type MakesTemplates } from '@berth/engine/abilities.js';
import type { EngineDriver, Observed } from '@berth/engine/driver.js';
import { makeTemplate, type Template } from '@berth/engine/make-template.js';
import type { Origin, VmmSpec } from '@berth/engine/vmm-spec.js';
import type { Logger } from '@berth/observability/logger.js';
import type { WorkerMetrics } from '../report/worker.metrics.js';
import { TemplateStore } from './template-store.js';

const makeLimitMs = 60_000;
const bytesPerMib = 1024 * 1024;

/** How a start is tried, and what is learned from how it went. */
export interface WarmStart {
  readonly origin: Origin;
  /** The guest runs: told what it truly began from. */
  began(observed: Observed): Promise<void>;
  /** The guest is ready after a cold boot: its like may be worth a template. */
  booted(): void;
}

export interface WarmStartsOptions {
  readonly folder: string;
  readonly bootId: string;
  /** 0: none are made, and those there were are removed. */
  readonly budgetMib: number;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
}

/**
 * Starts as private copies of a guest that was booted once: a template for each engine, machine and image, made in the
 * background after the first cold start of its kind.
 */
export class WarmStarts {
  private readonly store: TemplateStore;

  constructor(private readonly options: WarmStartsOptions) {
    const { folder, bootId, budgetMib, metrics, logger } = options;
    const onBuilt = (key: string, outcome: 'built' | 'failed', error?: unknown) => {
      metrics.get('berth_template_builds_total').inc({ outcome });
      if (error) logger.warn({ error, template: key }, 'no template made');
      else logger.info({ template: key }, 'template made');
    };
    // Memory that was not yet on disk when the node went down may be torn: another boot, other templates.
    this.store = new TemplateStore({ folder, budgetBytes: budgetMib * bytesPerMib, epoch: bootId, onBuilt });
    metrics.beforeScrape(() => {
      metrics.get('berth_template_bytes').set(this.store.bytes);
      metrics.get('berth_templates').set(this.store.count);
    });
  }

  open(): Promise<void> {
    return this.store.open();
  }

  /** Resolves when no template is being made. */
  settled(): Promise<void> {
    return this.store.settled();
  }

  /** Undefined where the engine cannot make templates, or none are wanted. */
  plan(driver: EngineDriver, spec: VmmSpec, order: VmmOrder): WarmStart | undefined {
    if (this.options.budgetMib === 0 || !makesTemplates(driver)) return undefined;
    const key = keyOf(driver.machineDigest(spec), order);
    if (key === undefined) return undefined;
    const template = this.store.take(key);
    return {
      origin: template ? { kind: 'template', ...template } : { kind: 'boot' },
      began: (observed) => this.learn(key, template !== undefined, observed),
      booted: () => {
        if (!template) this.store.build(key, (directory) => makeOf(driver, spec, directory));
      },
    };
  }

  private async learn(key: string, wasTried: boolean, { origin, coldBecause }: Observed): Promise<void> {
    const outcome = !wasTried ? 'cold' : origin === 'template' ? 'warm' : 'failed';
    this.options.metrics.get('berth_template_starts_total').inc({ outcome });
    if (outcome !== 'failed') return;
    this.options.logger.warn({ template: key, why: coldBecause }, 'a template is of no use');
    await this.store.drop(key);
  }
}

/** The image by its checksums: whatever its files are called. A project shares its templates with no other. */
function keyOf(machineDigest: string | undefined, { image, project }: VmmOrder): string | undefined {
  if (machineDigest === undefined || image.kind !== 'kernel-initrd') return undefined; // a disk is not copied with it
  const words = [machineDigest, project, image.kernel.sha256, image.initrd.sha256];
  return createHash('sha256').update(words.join(' ')).digest('hex');
}

function makeOf(driver: EngineDriver & MakesTemplates, spec: VmmSpec, directory: string): Promise<Template> {
  const { vcpus, memoryMib, image, network } = spec;
  const shape = { vcpus, memoryMib, image, ...(network && { network: { ...network, forwards: [] } }) };
  return makeTemplate(driver, shape, directory, AbortSignal.timeout(makeLimitMs));
}
