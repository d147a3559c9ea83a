import { mkdir } from 'node:fs/promises';
import { Module, type DynamicModule } from '@nestjs/common';
import type { Logger } from '@berth/observability/logger.js';
import type { WorkerConfig } from './config.js';
import { DataDirLock } from './nodes/data-dir-lock.js';
import { openNodes, type OpenEngines } from './nodes/node-host.js';
import { VmmNotes } from './vmms/vmm-notes.js';
import { VmmTable } from './vmms/vmm-table.js';
import { Worker } from './worker.js';

@Module({})
export class WorkerModule {
  static of(config: WorkerConfig, openEngines: OpenEngines, logger: Logger): DynamicModule {
    return {
      module: WorkerModule,
      providers: [
        {
          provide: Worker,
          useFactory: async () => {
            await mkdir(config.BERTH_DATA_DIR, { recursive: true, mode: 0o700 });
            const lock = await DataDirLock.take(config.BERTH_DATA_DIR);
            const nodes = await openNodes(config, openEngines);
            // model guests die with the worker, so nothing of them need be remembered
            const notes = config.BERTH_DRIVER === 'model' ? undefined : await VmmNotes.open(config.BERTH_DATA_DIR);
            return new Worker(config, nodes, new VmmTable(notes), lock, logger);
          },
        },
      ],
    };
  }
}
