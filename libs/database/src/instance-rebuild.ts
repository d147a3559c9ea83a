import { bootProblem, unfitImages, type ImageFit } from './image-fit.js';
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
export function unfitRebuilds<R extends RebuildRequest>(on: Session, requests: readonly R[]) {
  return unfitImages(on, requests, ({ rebuild: asked }) => asked?.imageId, problemOf);
}

/** From now on their disk of before is of no use, on whatever node it lies. */
export async function rebuildInstances(on: Session, requests: readonly RebuildRequest[]): Promise<void> {
  const asked = requests.filter((request) => request.rebuild !== undefined);
  if (asked.length > 0) await on.query(rebuild, [JSON.stringify(asked.map(rowOf))]);
}

function rowOf({ instanceId, rebuild: asked }: RebuildRequest): object {
  return { instanceId, ...asked };
}

function problemOf(fit: ImageFit): string | undefined {
  const { name, image, diskGib, minDiskGib } = fit;
  if (minDiskGib > diskGib) return `${image} needs ${minDiskGib} GiB of disk; ${name} has ${diskGib}`;
  return bootProblem(fit);
}
