import type { Observation } from '@berth/contracts/observation.js';
import { id } from '@berth/contracts/primitives.js';
import type { JobEnd } from '@berth/queue/job-consumer.js';
import { z } from 'zod';
import { problemDetailMaxChars } from '../report/vmm-reports.js';
import type { VmmTable } from '../vmms/vmm-table.js';

const vmm = z.object({ vmmId: id, instanceId: id, generation: z.int().positive() });
const start = z.object({ operationId: id, nodeId: id, vmm });

/**
 * A start that breaks its contract is told at once, as far as it can be read: nobody has to wait for its deadline. Of
 * other jobs nothing is told, nor of a vmm that is known here: its guest may run, and a refusal says that none does.
 */
export function refusalOfInvalid({ outcome, data, error }: JobEnd, table: VmmTable): Observation | undefined {
  if (outcome !== 'invalid') return undefined;
  const read = start.safeParse(data);
  if (!read.success || table.get(read.data.vmm.vmmId)) return undefined;
  const { operationId, nodeId, vmm: ref } = read.data;
  const detail = `the node cannot read its job: ${error?.message ?? ''}`.slice(0, problemDetailMaxChars);
  return { kind: 'job-refused', operationId, nodeId, ...ref, problem: { code: 'invalid-job', detail } };
}
