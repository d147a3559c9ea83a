import {
  cloneInstanceBody,
  consoleLogQuery,
  createInstanceBody,
  dryRunView,
  explainView,
  idempotencyHeaders,
  instanceFilter,
  instanceView,
  migrateInstanceBody,
  rebuildInstanceBody,
  rescueInstanceBody,
  resizeInstanceBody,
} from '@berth/contracts/http/instance.js';
import { acceptedView } from '@berth/contracts/http/operation.js';
import { pageOf, pageQuery } from '@berth/contracts/http/page.js';
import { reference } from '@berth/contracts/primitives.js';
import { z } from 'zod';
import { route } from '../http/route.js';

const tag = 'Instances';
const oneInstance = { tag, inProject: true, params: z.strictObject({ instance: reference }) } as const;

export const createInstances = route({
  method: 'POST',
  path: '/instances',
  tag,
  summary: 'Create one instance or many',
  description: 'All of them or none. With `dryRun` it answers 200 and says where each would go.',
  role: 'operator',
  inProject: true,
  headers: idempotencyHeaders,
  body: createInstanceBody,
  status: 202,
  answer: acceptedView,
  otherAnswers: { 200: dryRunView },
  problems: ['name-taken', 'quota-exceeded', 'idempotency-mismatch', 'not-found'],
});
export const listInstances = route({
  method: 'GET',
  path: '/instances',
  tag,
  summary: 'List instances',
  role: 'viewer',
  inProject: true,
  query: pageQuery.extend(instanceFilter),
  status: 200,
  answer: pageOf(instanceView),
});
export const getInstance = route({
  ...oneInstance,
  method: 'GET',
  path: '/instances/:instance',
  summary: 'Get an instance',
  role: 'viewer',
  status: 200,
  answer: instanceView,
  problems: ['not-found'],
});

const action = { ...oneInstance, role: 'operator', status: 202, answer: acceptedView } as const;
const problems = ['not-found', 'state-conflict'] as const;
export const startInstance = route({
  ...action,
  method: 'POST',
  path: '/instances/:instance/start',
  summary: 'Start a stopped or failed instance',
  problems,
});
export const stopInstance = route({
  ...action,
  method: 'POST',
  path: '/instances/:instance/stop',
  summary: 'Stop an instance and keep it',
  problems,
});
export const rebootInstance = route({
  ...action,
  method: 'POST',
  path: '/instances/:instance/reboot',
  summary: 'Restart the guest in its vmm',
  problems,
});
export const pauseInstance = route({
  ...action,
  method: 'POST',
  path: '/instances/:instance/pause',
  summary: 'Stop the time of a running instance, in its place',
  description: 'It keeps its node, CPUs and memory, and stands still until it is resumed.',
  problems,
});
export const suspendInstance = route({
  ...action,
  method: 'POST',
  path: '/instances/:instance/suspend',
  summary: 'Keep the memory of a running or paused instance on its node, and give its place there up',
  description: `Its CPUs and memory are free for others. It can be resumed on the same node only, when that has room for
it; then it runs, whether it was paused before or not.`,
  problems,
});
export const resumeInstance = route({
  ...action,
  method: 'POST',
  path: '/instances/:instance/resume',
  summary: 'Let a paused or suspended instance go on from where it stood still',
  problems,
});
export const resizeInstance = route({
  ...action,
  method: 'POST',
  path: '/instances/:instance/resize',
  summary: 'Give an instance another type, or a larger disk',
  description:
    'Its quota is checked now. Of a stopped instance that is all: a node with room is looked for when it is started. ' +
    'A running one needs `restart` for other CPUs and memory: a place is held for it before it is stopped. Its disk ' +
    'grows while it runs.',
  body: resizeInstanceBody,
  problems: [...problems, 'quota-exceeded'],
});
export const cloneInstance = route({
  ...action,
  method: 'POST',
  path: '/instances/:instance/clone',
  summary: 'Make instances that are copies of a running one',
  description: `They are of its project, type, image, labels and ports, on its node. What brings its own disk boots from
a copy of the disk as it is now; what is all in memory goes on from there: \`result.from\` of the operation says
which. All get an identity of their own. One that does not become ready is deleted again.`,
  headers: idempotencyHeaders,
  body: cloneInstanceBody,
  problems: [...problems, 'name-taken', 'quota-exceeded', 'idempotency-mismatch'],
});
export const rebuildInstance = route({
  ...action,
  method: 'POST',
  path: '/instances/:instance/rebuild',
  summary: 'Give an instance a new disk, of its image or another one',
  description: `What its disk held is lost. Its id, name, type, ports and, where that can take it, its node stay; the
new disk boots for the first time, with the user data and keys of now.`,
  body: rebuildInstanceBody,
  problems,
});
export const rescueInstance = route({
  ...action,
  method: 'POST',
  path: '/instances/:instance/rescue',
  summary: 'Boot an instance from another image, with its own disk behind that',
  description: `So that what is wrong with its disk can be seen to. Every start is of that image until it is unrescued,
and nothing that the rescue system writes to its own disk stays longer.`,
  body: rescueInstanceBody,
  problems,
});
export const unrescueInstance = route({
  ...action,
  method: 'POST',
  path: '/instances/:instance/unrescue',
  summary: 'Boot a rescued instance from its own disk again',
  problems,
});
export const migrateInstance = route({
  ...action,
  method: 'POST',
  path: '/instances/:instance/migrate',
  summary: 'Move a running instance to another node, while it runs',
  body: migrateInstanceBody,
  problems,
});
export const deleteInstance = route({
  ...action,
  method: 'DELETE',
  path: '/instances/:instance',
  summary: 'Delete an instance, whatever it is doing',
  problems,
});

export const explainInstance = route({
  ...oneInstance,
  method: 'GET',
  path: '/instances/:instance/explain',
  summary: 'Why it is where it is, or nowhere',
  role: 'viewer',
  status: 200,
  answer: explainView,
  problems: ['not-found'],
});
export const readConsole = route({
  ...oneInstance,
  method: 'GET',
  path: '/instances/:instance/console',
  summary: 'What the guest wrote to its serial console',
  role: 'viewer',
  query: consoleLogQuery,
  status: 200,
  answer: z.string(),
  mediaType: 'text/plain',
  problems: ['not-found', 'state-conflict', 'node-unreachable'],
});
export const readScreen = route({
  ...oneInstance,
  method: 'GET',
  path: '/instances/:instance/screenshot',
  summary: "What the guest's screen shows now, as a PNG",
  role: 'viewer',
  status: 200,
  answer: z.string(),
  mediaType: 'image/png',
  problems: ['not-found', 'state-conflict', 'node-unreachable'],
});
