import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  desiredStates,
  instanceTransitions,
  isolationPolicies,
  restartPolicies,
} from '@berth/domain/instance-state.js';
import { consoleKinds } from '@berth/domain/console-kind.js';
import { firmwares, imageFormats, imageTransitions, machineProfiles } from '@berth/domain/image-state.js';
import { engineDrivers, nodeTransitions } from '@berth/domain/node-state.js';
import { snapshotTransitions } from '@berth/domain/snapshot-state.js';
import { operationKinds, operationTransitions } from '@berth/domain/operation-state.js';
import { migrationTransitions, reservationTransitions } from '@berth/domain/reservation-state.js';
import { roles } from '@berth/domain/role.js';
import { sourcesOf, statesOf } from '@berth/domain/transition.js';
import { vmmTransitions } from '@berth/domain/vmm-state.js';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlQuery,
  type SqlResultSet,
} from '@prisma/driver-adapter-utils';
import * as glue from '@prisma/schema-engine-wasm/schema_engine_bg';
import type { Database } from '@berth/database/database.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorld, type World } from '../world.js';

declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>;
};

const schemaPath = join(import.meta.dirname, '../../prisma/schema.prisma');
let world: World;
let database: Database;
beforeAll(async () => {
  world = await openWorld();
  database = await world.openDatabase();
});
afterAll(() => world.close());

describe('the record', () => {
  it('has exactly the tables, columns, indexes and references that schema.prisma says', async () => {
    const content = readFileSync(schemaPath, 'utf8');
    const engine = await schemaEngine(world.databaseUrl, content);
    const files = [{ path: schemaPath, content }];
    const { stdout } = await engine.diff({
      from: { tag: 'schemaDatasource', files, configDir: join(schemaPath, '..') },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: null,
      filters: { externalTables: ['public._prisma_migrations'], externalEnums: [] },
    });
    expect(stdout?.trim()).toBe('-- This is an empty migration.');
  });

  const listed: [column: string, values: readonly string[]][] = [
    ['instance.state', statesOf(instanceTransitions)],
    ['instance.desired_state', desiredStates],
    ['instance.restart_policy', restartPolicies],
    ['instance.on_isolation', isolationPolicies],
    ['vmm.state', statesOf(vmmTransitions)],
    ['vmm.driver', engineDrivers],
    ['node.state', statesOf(nodeTransitions)],
    ['node.driver', engineDrivers],
    ['operation.state', statesOf(operationTransitions)],
    ['operation.kind', operationKinds],
    ['reservation.state', statesOf(reservationTransitions)],
    ['migration.state', statesOf(migrationTransitions)],
    ['console_session.kind', consoleKinds],
    ['image.profile', machineProfiles],
    ['token.role', roles],
    ['snapshot.state', statesOf<string>(snapshotTransitions)],
    ['snapshot.driver', engineDrivers],
    ['image.state', statesOf<string>(imageTransitions)],
    ['image.format', imageFormats],
    ['image.firmware', firmwares],
  ];
  it.each(listed)('allows in %s what the domain allows, no more and no less', async (name, values) => {
    const [table = '', column = ''] = name.split('.');
    const [check] = await database.query<{ definition: string }>(
      'SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conname = $1',
      [`${table}_${column}_check`],
    );
    const allowed = [...(check?.definition ?? '').matchAll(/'([a-z0-9-]+)'::text/g)].map(([, value]) => value);
    expect(new Set(allowed)).toEqual(new Set(values));
  });

  it('every state of a machine can be left or is terminal, and every one but the first can be reached', () => {
    for (const table of [instanceTransitions, vmmTransitions, nodeTransitions, operationTransitions]) {
      const [first, ...others] = statesOf<string>(table);
      expect(first).toBeDefined();
      for (const state of others) expect(sourcesOf<string>(table, state)).not.toEqual([]);
    }
  });
});

/** The engine behind `prisma migrate diff`, without its binary. */
async function schemaEngine(url: string, schema: string): Promise<glue.SchemaEngine> {
  const wasmPath = createRequire(import.meta.url)
    .resolve('@prisma/schema-engine-wasm/schema_engine_bg')
    .replace(/\.js$/, '.wasm');
  const { instance } = await WebAssembly.instantiate(readFileSync(wasmPath), { './schema_engine_bg.js': { ...glue } });
  glue.__wbg_set_wasm(instance.exports);
  (instance.exports['__wbindgen_start'] as () => void)();
  const factory = new PrismaPg({ connectionString: url, max: 1 });
  const connect = factory.connect.bind(factory);
  factory.connect = async () => readingCatalogue(await connect());
  return glue.SchemaEngine.new(
    { datamodels: [[schemaPath, schema]] },
    () => undefined,
    bindMigrationAwareSqlAdapterFactory(factory),
  );
}

type Adapter = Awaited<ReturnType<PrismaPg['connect']>>;
type Raw = { fields: { name: string; dataTypeID: number }[] };
/** The method that both of the adapter's public ones go through; private in its types. */
type PerformIO = (query: SqlQuery) => Promise<Raw>;
const charOid = 18;
const charArrayOid = 1003;
const textOid = 25;
const textArrayOid = 1009;

/**
 * adapter-pg cannot read the catalogue's columns of type "char" (prisma/prisma#27403): they are read as text and named
 * Character.
 */
function readingCatalogue(adapter: Adapter): Adapter {
  const performIO = (Reflect.get(adapter, 'performIO') as PerformIO).bind(adapter);
  let charColumns: number[] = [];
  const performReadable: PerformIO = async (query) => {
    const raw = await performIO(query);
    charColumns = raw.fields.flatMap(({ dataTypeID }, index) => (dataTypeID === charOid ? [index] : []));
    for (const field of raw.fields) {
      if (field.dataTypeID === charOid) field.dataTypeID = textOid;
      if (field.dataTypeID === charArrayOid) field.dataTypeID = textArrayOid;
    }
    return raw;
  };
  Reflect.set(adapter, 'performIO', performReadable);
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (query): Promise<SqlResultSet> => {
    const result = await queryRaw(query);
    for (const index of charColumns) result.columnTypes[index] = ColumnTypeEnum.Character;
    return result;
  };
  return adapter;
}
