import { enginesFor } from '@berth/domain/boot-needs.js';
import type { Firmware, ImageArchitecture } from '@berth/domain/image-state.js';
import { driversFor, type EngineDriverName } from '@berth/domain/node-state.js';
import { ProblemError } from '@berth/domain/problem.js';
import type { Session } from './session.js';

/** An instance, and what an image that it is to boot from needs. */
export interface ImageFit {
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
FROM unnest($1::uuid[], $2::uuid[]) AS a (instance_id, image_id)
JOIN instance i ON i.id = a.instance_id JOIN image m ON m.id = a.image_id`;

/** Why instances cannot boot from the images that requests name; of requests that name none, nothing is said. */
export async function unfitImages<R extends { readonly instanceId: string }>(
  on: Session,
  requests: readonly R[],
  imageIdOf: (request: R) => string | undefined,
  problemOf: (fit: ImageFit) => string | undefined,
): Promise<ReadonlyMap<R, ProblemError>> {
  const asked = requests.flatMap((request) => {
    const imageId = imageIdOf(request);
    return imageId === undefined ? [] : [{ request, imageId }];
  });
  if (asked.length === 0) return new Map();
  const ids = [asked.map(({ request }) => request.instanceId), asked.map(({ imageId }) => imageId)];
  const rows = await on.query<ImageFit>(fits, ids);
  const byInstance = new Map(rows.map((row) => [row.instanceId, row]));
  return new Map(
    asked.flatMap(({ request }) => {
      const fit = byInstance.get(request.instanceId);
      const message = fit && problemOf(fit);
      if (message === undefined) return [];
      const errors = [{ field: 'image', message }];
      return [[request, new ProblemError({ code: 'invalid-request', detail: `image: ${message}`, errors })] as const];
    }),
  );
}

/** What hinders its start, as far as memory and engines go. */
export function bootProblem(fit: ImageFit): string | undefined {
  const { name, image, vcpus, memoryMib, minMemoryMib, accepted, offered } = fit;
  if (minMemoryMib > memoryMib) return `${image} needs ${minMemoryMib} MiB of memory; ${name} has ${memoryMib}`;
  const able = enginesFor(fit);
  const needs = `${image} (${fit.architecture}, ${fit.firmware}) on ${vcpus} vcpus needs engine ${able.join(' or ')}`;
  const wanted = driversFor(able, accepted ?? undefined, []);
  if (wanted.length === 0) return `${needs}; ${name} is held to ${accepted?.join(' or ')}`;
  return wanted.some((driver) => offered.includes(driver)) ? undefined : `${needs}; no node that is up offers one`;
}
