import { z } from 'zod';
import { EngineError, type VmmHandle } from '../driver.js';
import type { GuestPlace } from '../migration.js';
import { qmpOf, type QmpClient } from '../vmm/qmp.js';
import type { Vmm } from '../vmm/vmm.js';

export const answerTimeoutMs = 5000;

const socketAddress = z.object({ type: z.string(), host: z.string(), port: z.coerce.number() });

const ram = z
  .object({
    transferred: z.number(),
    remaining: z.number(),
    total: z.number(),
    mbps: z.number().default(0),
    'dirty-pages-rate': z.number().default(0),
    'page-size': z.number().default(4096),
    'dirty-sync-count': z.number().default(0),
  })
  .transform(({ transferred, remaining, total, ...more }) => ({
    transferred,
    remaining,
    total,
    bytesPerSecond: Math.round((more.mbps * 1e6) / 8),
    dirtyBytesPerSecond: more['dirty-pages-rate'] * more['page-size'],
    passes: more['dirty-sync-count'],
  }));
export const nothingSent = ram.parse({ transferred: 0, remaining: 0, total: 0 });

const migrationState = z
  .object({
    status: z.string().default('none'),
    'error-desc': z.string().default(''),
    ram: ram.default(nothingSent),
    'socket-address': z.array(socketAddress).default([]),
  })
  .transform(({ status, ram, 'error-desc': error, 'socket-address': addresses }) => ({
    status,
    ram,
    error,
    addresses,
  }));
export type MigrationState = z.infer<typeof migrationState>;

const ended = ['none', 'completed', 'failed', 'cancelled'];

export const isUnderWay = ({ status }: MigrationState): boolean => !ended.includes(status);

/** The guest is where it goes to, the rest of its memory follows or waits to. */
export const isPostcopy = ({ status }: MigrationState): boolean => status.startsWith('postcopy-');

export async function queryMigration(qmp: QmpClient): Promise<MigrationState> {
  return migrationState.parse(await qmp.execute('query-migrate', answerTimeoutMs));
}

/** How the guest stands with this vmm, by QEMU's own word. */
export async function placeOf(vmm: Vmm): Promise<GuestPlace> {
  const qmp = qmpOf(vmm);
  const status = await qmp.status(answerTimeoutMs);
  if (status === 'inmigrate') return 'awaited';
  if (status === 'postmigrate') return 'left';
  const migration = await queryMigration(qmp);
  if (isPostcopy(migration) && status === 'finish-migrate') return 'left';
  if (isUnderWay(migration) && !isPostcopy(migration)) return 'leaving';
  const isHere = migration.status === 'completed' || isPostcopy(migration);
  const hasArrived = vmm.record.spec.origin?.kind === 'incoming' && isHere;
  return hasArrived && status !== 'running' ? 'arrived' : 'runs';
}

const version = z.object({ qemu: z.object({ major: z.int() }) });

export async function engineMajor(vmm: Vmm): Promise<number> {
  return version.parse(await qmpOf(vmm).execute('query-version', answerTimeoutMs)).qemu.major;
}

export function migrationFailed({ vmmId }: VmmHandle, why: string): EngineError {
  return new EngineError('migration-failed', `vmm ${vmmId}: ${why}`);
}
