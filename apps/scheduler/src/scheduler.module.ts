import { Module, type DynamicModule } from '@nestjs/common';
import type { Logger } from '@berth/observability/logger.js';
import type { SchedulerConfig } from './config.js';
import { readCostModel } from './fleet/cost-model.js';
import { Scheduler } from './scheduler.js';

@Module({})
export class SchedulerModule {
  static of(config: SchedulerConfig, logger: Logger): DynamicModule {
    const useFactory = async (): Promise<Scheduler> =>
      new Scheduler(config, await readCostModel(config.BERTH_COST_FILE), logger);
    return { module: SchedulerModule, providers: [{ provide: Scheduler, useFactory }] };
  }
}
