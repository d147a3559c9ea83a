import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { findCgroups, type CgroupRoot } from './cgroup.js';
import { Egress } from './egress.js';
import { findFaultAccess, type FaultAccess } from './userfault.js';
import { perlPath } from './perl.js';
import { setprivPath, type UserIds } from './user-ids.js';

/** How far this machine lets a vmm be shut in; tried, not guessed: a namespace or a container may lack any of it. */
export interface Confinement {
  /** Absent: a vmm cannot be tied to the life of its guard. */
  readonly setprivPath?: string;
  /** Absent: a vmm runs as the worker does. */
  readonly userIds?: UserIds;
  /** Absent: a vmm may open connections to any server it reaches. */
  readonly egress?: Egress;
  /** False: a vmm may connect to abstract unix sockets, which have no owner. */
  readonly isScoped?: boolean;
  /** For a vmm that waits for a guest. Absent: no guest goes on here before all of its memory is here. */
  readonly faultAccess?: FaultAccess;
  /** Absent: a vmm's CPU, memory and processes are bounded by nothing but the kernel's fairness. */
  readonly cgroups?: CgroupRoot;
}

const tryTimeoutMs = 5000;
/** Above every range in use; or `nobody`, where a user namespace maps no more. */
const candidates: readonly UserIds[] = [
  { first: 2_000_000_000, count: 100_000_000 },
  { first: 65_534, count: 1 },
];

/** `statePath` is the node's own directory: its vmms' control groups are kept apart from another node's. */
export async function findConfinement(statePath: string): Promise<Confinement> {
  const nodeName = `berth-${createHash('sha256').update(statePath).digest('hex').slice(0, 12)}`;
  const [users, cgroups, isScoped] = await Promise.all([findUsers(), findCgroups(nodeName), canScope()]);
  const { userIds } = users;
  const [egress, faultAccess] = await Promise.all([userIds && Egress.open(userIds), findFaultAccess(userIds)]);
  return {
    ...users,
    isScoped,
    ...(egress ? { egress } : {}),
    ...(faultAccess ? { faultAccess } : {}),
    ...(cgroups ? { cgroups } : {}),
  };
}

/** What of it this machine lacks, one line each, for people who may want to change that. */
export function missingOf(confinement: Confinement): string[] {
  const { setprivPath: setpriv, userIds, egress, isScoped = false, cgroups } = confinement;
  return [
    setpriv === undefined ? 'no setpriv: a vmm outlives a guard that is killed' : '',
    userIds === undefined ? 'not root: every vmm runs as the user of the worker' : '',
    egress === undefined
      ? 'no packet filter by user (root and nftables): a vmm that is taken over reaches TCP ports of this machine'
      : '',
    isScoped
      ? ''
      : 'no scopes (root and Landlock of Linux 6.12): a vmm that is taken over reaches abstract unix sockets',
    cgroups === undefined ? 'no writable cgroups: CPU, memory and processes of a vmm are not bounded' : '',
  ].filter((line) => line !== '');
}

/** As the guard does it, in a process that is of no further use. */
async function canScope(): Promise<boolean> {
  const restrict = `my $rules = pack 'Q3', 0, 0, 3; exit(syscall(446, syscall(444, $rules, 24, 0), 0) != 0)`;
  return succeeds(perlPath, ['-e', restrict]);
}

async function findUsers(): Promise<Confinement> {
  if (!(await runs(['--no-new-privs', '--pdeathsig', 'KILL']))) return {};
  for (const userIds of process.getuid?.() === 0 ? candidates : []) {
    const last = `${userIds.first + userIds.count - 1}`;
    if (await runs(['--reuid', last, '--regid', last, '--clear-groups'])) return { setprivPath, userIds };
  }
  return { setprivPath };
}

function runs(flags: readonly string[]): Promise<boolean> {
  return succeeds(setprivPath, [...flags, '--', '/bin/true']);
}

function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return promisify(execFile)(program, args, { timeout: tryTimeoutMs }).then(
    () => true,
    () => false,
  );
}
