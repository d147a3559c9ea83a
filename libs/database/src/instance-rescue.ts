import type { Problem } from '@berth/domain/problem.js';
import { bootProblem, unfitImages } from './image-fit.js';
import type { InstanceAction } from './instance-action.js';
import type { Session } from './session.js';

interface RescueRequest {
  readonly instanceId: string;
  readonly action: InstanceAction;
  /** What it is to boot from, with its own disk behind that. */
  readonly rescueImageId?: string;
}

/** What of a rescued instance would be kept, copied or replaced by the others is not its own system. */
const inRescue: readonly InstanceAction[] = [
  'start',
  'stop',
  'reboot',
  'pause',
  'resume',
  'migrate',
  'unrescue',
  'delete',
];

const rescue = `
UPDATE instance i SET rescue_image_id = a."rescueImageId", failed_drivers = '{}'
FROM jsonb_to_recordset($1::jsonb) AS a ("instanceId" uuid, "rescueImageId" uuid) WHERE i.id = a."instanceId"`;

/** `what`: the action, as a word for its owner. */
export function rescueProblem(what: string, name: string): Problem {
  const detail = `instance ${name} is rescued; ${what} needs its own system`;
  return { code: 'state-conflict', detail, next: 'unrescue it first' };
}

/** Why an action makes no sense with an instance that is rescued, or is not. */
export function rescueConflict(
  action: InstanceAction,
  { name, isRescued }: { readonly name: string; readonly isRescued: boolean },
): Problem | undefined {
  if (isRescued) return inRescue.includes(action) ? undefined : rescueProblem(action, name);
  if (action !== 'unrescue') return undefined;
  return { code: 'state-conflict', detail: `instance ${name} is not rescued`, next: 'leave it as it is' };
}

export function unfitRescues<R extends RescueRequest>(on: Session, requests: readonly R[]) {
  return unfitImages(on, requests, ({ rescueImageId }) => rescueImageId, bootProblem);
}

/** From now on every start of theirs is from another image, or from their own again. */
export async function rescueInstances(on: Session, requests: readonly RescueRequest[]): Promise<void> {
  const asked = requests.filter(({ action }) => action === 'rescue' || action === 'unrescue');
  const rows = asked.map(({ instanceId, rescueImageId = null }) => ({ instanceId, rescueImageId }));
  if (rows.length > 0) await on.query(rescue, [JSON.stringify(rows)]);
}
