import { enginesFor } from '@berth/domain/boot-needs.js';
import type { Firmware, ImageArchitecture } from '@berth/domain/image-state.js';
import { driversFor, type EngineDriverName } from '@berth/domain/node-state.js';
import { ProblemError } from '@berth/domain/problem.js';
import type { InstanceSeed } from './instance-seed.repository.js';
import type { Session } from './session.js';

/** What an instance is to be made of anew. What its first boot is told stays as it was where nothing is said. */
export interface Rebuild extends Partial<InstanceSeed> {
  readonly imageId: string;
}

interface RebuildRequest {
  readonly instanceId: string;
  readonly rebuild?: Rebuild;
}

interface Fit {
  readonly instanceId: string;
  readonly name: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly accepted: readonly EngineDriverName[] | null;
  readonly image: string;
  readonly architecture: ImageArchitecture;
  readonly firmware: Firmware;
  readonly minMemoryMib: number;
  readonly minDiskGib: number;
  /** By nodes that are up. */
  readonly offered: readonly EngineDriverName[];
}

const fits = `
SELECT i.id AS "instanceId", i.name, i.vcpus, i.memory_mib AS "memoryMib", i.disk_gib AS "diskGib",
       i.constraints -> 'drivers' AS accepted, m.name AS image, m.architecture, m.firmware,
       m.min_memory_mib AS "minMemoryMib", m.min_disk_gib AS "minDiskGib",
       ARRAY(SELECT DISTINCT unnest(n.drivers) FROM node n WHERE n.state = 'up') AS offered
FROM jsonb_to_recordset($1::jsonb) AS a ("instanceId" uuid, "imageId" uuid)
JOIN instance i ON i.id = a."instanceId" JOIN image m ON m.id = a."imageId"`;

const rebuild = `
WITH asked AS (
  SELECT a.*, s.ssh_keys, s.user_data
  FROM jsonb_to_recordset($1::jsonb) AS a ("instanceId" uuid, "imageId" uuid, "sshKeys" text[], "userData" text)
  LEFT JOIN instance_seed s ON s.instance_id = a."instanceId"
), changed AS (
  UPDATE instance i SET image_id = a."imageId", rebuild_count = rebuild_count + 1, failed_drivers = '{}'
  FROM asked a WHERE i.id = a."instanceId"
)
INSERT INTO instance_seed (instance_id, ssh_keys, user_data)
SELECT "instanceId", coalesce("sshKeys", ssh_keys, '{}'), coalesce("userData", user_data)
FROM asked WHERE "sshKeys" IS NOT NULL OR "userData" IS NOT NULL
ON CONFLICT (instance_id) DO UPDATE SET ssh_keys = excluded.ssh_keys, user_data = excluded.user_data`;

/** Why instances cannot be made of the image that is asked for: before the disk that they have is given up for it. */
export async function unfitRebuilds<R extends RebuildRequest>(
  on: Session,
  requests: readonly R[],
): Promise<ReadonlyMap<R, ProblemError>> {
  const asked = requests.filter((request) => request.rebuild !== undefined);
  if (asked.length === 0) return new Map();
  const rows = await on.query<Fit>(fits, [JSON.stringify(asked.map(rowOf))]);
  const byInstance = new Map(rows.map((row) => [row.instanceId, row]));
  return new Map(
    asked.flatMap((request) => {
      const fit = byInstance.get(request.instanceId);
      const message = fit && problemOf(fit);
      if (message === undefined) return [];
      const errors = [{ field: 'image', message }];
      return [[request, new ProblemError({ code: 'invalid-request', detail: `image: ${message}`, errors })] as const];
    }),
  );
}

/** From now on their disk of before is of no use, on whatever node it lies. */
export async function rebuildInstances(on: Session, requests: readonly RebuildRequest[]): Promise<void> {
  const asked = requests.filter((request) => request.rebuild !== undefined);
  if (asked.length > 0) await on.query(rebuild, [JSON.stringify(asked.map(rowOf))]);
}

function rowOf({ instanceId, rebuild: asked }: RebuildRequest): object {
  return { instanceId, ...asked };
}

function problemOf(fit: Fit): string | undefined {
  const { name, image, vcpus, memoryMib, diskGib, minMemoryMib, minDiskGib, accepted, offered } = fit;
  if (minMemoryMib > memoryMib) return `${image} needs ${minMemoryMib} MiB of memory; ${name} has ${memoryMib}`;
  if (minDiskGib > diskGib) return `${image} needs ${minDiskGib} GiB of disk; ${name} has ${diskGib}`;
  const able = enginesFor(fit);
  const needs = `${image} (${fit.architecture}, ${fit.firmware}) on ${vcpus} vcpus needs engine ${able.join(' or ')}`;
  const wanted = driversFor(able, accepted ?? undefined, []);
  if (wanted.length === 0) return `${needs}; ${name} is held to ${accepted?.join(' or ')}`;
  return wanted.some((driver) => offered.includes(driver)) ? undefined : `${needs}; no node that is up offers one`;
}
