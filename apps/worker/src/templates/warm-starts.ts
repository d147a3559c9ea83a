import { freemem } from 'node:os';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import { makesTemplates, type MakesTemplates } from '@berth/engine/abilities.js';
import type { EngineDriver, Observed } from '@berth/engine/driver.js';
import { makeTemplate, type Template } from '@berth/engine/make-template.js';
import type { Origin, VmmSpec } from '@berth/engine/vmm-spec.js';
import type { Logger } from '@berth/observability/logger.js';
import type { WorkerMetrics } from '../report/worker.metrics.js';
import { templateDrives } from './template-disks.js';
import { templateKey, whyCold } from './template-key.js';
import { TemplateStore } from './template-store.js';

/** Our guest boots in a second; another's takes a hundred seconds of a core, of which it may get a tenth. */
const makeLimitMs = { ours: 60_000, another: 20 * 60_000 };
const bytesPerMib = 1024 * 1024;
/** What a node keeps free of the guests it boots for templates, which no reservation counts. */
const freeMib = 256;

/** How a start is tried, and what is learned from how it went. */
export interface WarmStart {
  readonly origin: Origin;
  /** What its disk is to begin as. */
  readonly diskPath: string | undefined;
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
  /** What programs may take now; of this machine where it is not given. */
  readonly freeBytes?: () => number;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
}

/**
 * Starts as private copies of a guest that was booted once: a template for each engine, machine and image, made in the
 * background after the first cold start of its kind.
 */
export class WarmStarts {
  private readonly store: TemplateStore;
  private readonly ending = new AbortController();

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

  /** Those that are being made are given up. */
  async close(): Promise<void> {
    this.ending.abort(new Error('the worker ends'));
    await this.settled();
  }

  /** Undefined where the engine cannot make templates, or none are wanted, or of such a guest. */
  plan(driver: EngineDriver, spec: VmmSpec, order: VmmOrder): WarmStart | undefined {
    if (this.options.budgetMib === 0 || !makesTemplates(driver)) return undefined;
    const why = whyCold(spec, order);
    if (why !== undefined) {
      this.options.logger.info({ instanceId: order.instanceId, why }, 'no template of such a guest: it boots');
      return undefined;
    }
    const key = templateKey(driver.machineDigest(spec), order);
    if (key === undefined) return undefined;
    const template = this.store.take(key);
    return {
      origin: template ? { kind: 'template', ...template } : { kind: 'boot' },
      diskPath: template?.diskPath,
      began: (observed) => this.learn(key, template !== undefined, observed),
      booted: () => {
        if (!template && this.hasRoomFor(spec)) {
          this.store.build(key, (directory) => this.make(driver, spec, order, directory));
        }
      },
    };
  }

  /** Or those that run would pay for those that start: the next cold start asks again. */
  private hasRoomFor({ memoryMib }: VmmSpec): boolean {
    const { freeBytes = freemem, logger } = this.options;
    const hasRoom = freeBytes() >= (memoryMib + freeMib) * bytesPerMib;
    if (!hasRoom) logger.info({ memoryMib, freeMib }, 'too little memory is free to make a template now');
    return hasRoom;
  }

  private async make(
    driver: EngineDriver & MakesTemplates,
    spec: VmmSpec,
    order: VmmOrder,
    directory: string,
  ): Promise<Template> {
    const { vcpus, memoryMib, image, network, ready, profile } = spec;
    const limitMs = spec.drives ? makeLimitMs.another : makeLimitMs.ours;
    const shape = {
      vcpus,
      memoryMib,
      image,
      ...(ready && { ready }),
      ...(profile && { profile }),
      ...(network && { network: { ...network, forwards: [] } }),
      ...(spec.drives && { drives: await templateDrives(spec, order, directory) }),
    };
    const signal = AbortSignal.any([this.ending.signal, AbortSignal.timeout(limitMs)]);
    return makeTemplate(driver, shape, directory, signal);
  }

  private async learn(key: string, wasTried: boolean, { origin, coldBecause }: Observed): Promise<void> {
    const outcome = !wasTried ? 'cold' : origin === 'template' ? 'warm' : 'failed';
    this.options.metrics.get('berth_template_starts_total').inc({ outcome });
    if (outcome !== 'failed') return;
    this.options.logger.warn({ template: key, why: coldBecause }, 'a template is of no use');
    await this.store.drop(key);
  }
}
