import { afterAll, afterEach, beforeAll, beforeEach, onTestFailed } from 'vitest';
import type { DatacenterOptions } from '../datacenter.js';
import { FaultWorld } from './fault-world.js';
import { MigratingWorld } from './migrating-world.js';

/** One world for the tests of a block: emptied after each, and its history told of one that fails. */
export function withFaultWorld(options: DatacenterOptions, isOpen: (faults: FaultWorld) => void): void {
  let faults: FaultWorld | undefined;
  beforeAll(async () => {
    faults = await FaultWorld.open(options);
    isOpen(faults);
  });
  beforeEach(() => onTestFailed(() => void process.stderr.write(faults?.history.tell() ?? '')));
  afterEach(() => faults?.release());
  afterAll(() => faults?.close());
}

/** The same with two nodes of real guests, where `more` says nothing else. */
export function withMigratingWorld(more: Partial<DatacenterOptions>, isOpen: (world: MigratingWorld) => void): void {
  withFaultWorld({ modelNodes: 0, tcgNodes: 2, ...more }, (faults) => isOpen(new MigratingWorld(faults)));
}
