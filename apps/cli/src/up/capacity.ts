/** What one node offers of this machine. */
export interface NodeCapacity {
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly diskGib: number;
}

/** The operating system, the control plane and the page cache keep the rest. */
const memoryShareForGuests = 0.8;
const diskShareForGuests = 0.5;
/** Idle guests cost next to no CPU: sixteen vcpus may share a core. */
export const cpuOvercommitRatio = 16;

/** Memory and disk are split among the nodes; each may use every core, as no node's guests are bound to any. */
export function splitMachine(
  machine: { readonly cores: number; readonly memoryMib: number; readonly diskGib: number },
  nodes: number,
): NodeCapacity {
  return {
    cpuMillis: machine.cores * 1000,
    memoryMib: Math.floor((machine.memoryMib * memoryShareForGuests) / nodes),
    diskGib: Math.floor((machine.diskGib * diskShareForGuests) / nodes),
  };
}
