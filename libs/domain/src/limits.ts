/** Limits that more than one room must agree on. Those of one room stand in that room. */
export const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
export const nameMaxChars = 63;
export const labelsMax = 32;
export const labelValueMaxChars = 128;
export const createCountMax = 100;
export const bodyMaxBytes = 256 * 1024;
export const pageSizeMax = 200;
export const pageSizeDefault = 50;
export const operationWaitMaxMs = 60_000;
export const diskGibMax = 65_536;
export const userDataMaxBytes = 64 * 1024;
export const sshKeysMax = 16;
export const sshKeyMaxChars = 4_096;
export const portsMax = 16;
export const idempotencyKeyMaxChars = 128;
export const idempotencyTtlHours = 24;
/** An operation without an end after this time fails with `deadline-exceeded`. */
export const operationDeadlineMs = 120_000;
/** The same of one that waits for a system to say itself that it is up: under emulation, minutes of work. */
export const bootDeadlineMs = 900_000;
/** The same of one that copies disks, which takes what their bytes take. */
export const copyDeadlineMs = 900_000;
export const consoleMaxBytes = 1024 * 1024;

/** Of a guest that is begun with a kernel: QEMU has the first in its own memory, beside the guest's. */
export const kernelMaxBytes = 64 * 1024 ** 2;
export const initrdMaxBytes = 512 * 1024 ** 2;
export const cmdlineMaxChars = 1024;

export const snapshotsPerInstanceMax = 8;

/** Of a command in a guest, as the line that the guest's shell reads. */
export const guestCommandMaxBytes = 2_800;
export const guestCommandMaxSeconds = 60;
export const guestOutputMaxBytes = 65_536;
export const guestCommandsAtOnceMax = 4;

/** Host memory a vmm needs beside its guest's, by driver: QEMU text, heap and translation cache. */
export const vmmMemoryOverheadMib = { kvm: 32, tcg: 48, v86: 200, model: 0 } as const;

/** A console session not used within this time is void; a used one ends after the other. */
export const consoleConnectMaxSeconds = 60;
export const consoleSessionMaxSeconds = 1_800;
export const consoleSessionsPerInstanceMax = 4;
