import { readCostFile } from '@berth/config/cost-file.js';
import { GaugeRepository } from '@berth/database/gauge.repository.js';
import { Metrics } from '@berth/observability/metrics.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { showRecord } from '../../apps/scheduler/src/metrics/record-gauges.js';
import { openWorld, type World } from '../world.js';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

const node = `
INSERT INTO node (id, name, worker_id, state, driver, engine, power_model, boot_id,
  capacity_cpu_millis, capacity_memory_mib, capacity_disk_gib, allocatable_cpu_millis, allocatable_memory_mib,
  allocatable_disk_gib, allocated_cpu_millis, used_cpu_millis, power_watts, energy_joules, cost_micros)
VALUES (gen_random_uuid(), 'n1', 'w', 'up', 'tcg', '{"speedRatio": 0.1}', 'm', 'b',
  4000, 1024, 10, 8000, 1000, 10, 1500, 500, 90, 1800, 2500000)`;

test('the scheduler shows the record in base units, and forgets what is gone from it', async () => {
  const database = await world.openDatabase(2);
  const metrics = new Metrics('scheduler');
  showRecord(metrics, new GaugeRepository(database), await readCostFile(undefined));
  await database.query(node);
  const shown = await metrics.expose();
  for (const line of [
    'berth_node_capacity{node="n1",resource="cpu_cores"} 4',
    'berth_node_allocatable{node="n1",resource="memory_bytes"} 1048576000',
    'berth_node_allocated{node="n1",resource="cpu_cores"} 1.5',
    'berth_node_used{node="n1",resource="cpu_cores"} 0.5',
    'berth_node_state{node="n1",state="up"} 1',
    'berth_node_state{node="n1",state="unreachable"} 0',
    'berth_node_instances{node="n1"} 0',
    'berth_node_power_watts{node="n1",source="model"} 90',
    'berth_node_energy_joules_total{node="n1",source="model"} 1800',
    'berth_node_cost_total{node="n1",currency="EUR"} 2.5',
    'berth_node_engine_speed_ratio{node="n1",driver="tcg"} 0.1',
    'berth_queue_depth{queue="place"} 0',
    'berth_queue_oldest_seconds{queue="node"} 0',
  ]) {
    expect(shown).toContain(line);
  }
  // 90 W x 1.54 x 0.25 EUR/kWh and 8000 EUR over 5 years, on 8 vcpus; each does a tenth of a core's work
  expect(shown).toMatch(/vcpu_hour_cost\{node="n1",currency="EUR",per="allocatable"\} 0\.02716/);
  expect(shown).toMatch(/vcpu_hour_cost\{node="n1",currency="EUR",per="native"\} 0\.2716/);
  await database.query('DELETE FROM node');
  expect(await metrics.expose()).not.toContain('n1');
});
