import { constants } from 'node:fs';
import { copyFile, open, rename, rm } from 'node:fs/promises';
import { EngineError } from '../driver.js';
import { fdsetUri } from './arrival.js';
import { monotonicMs } from './clock.js';
import { isFields, type QmpClient } from './qmp.js';

/** Name, in the vmm's directory, of the one file it may write its state to. */
export const stateFile = 'state';

const commandTimeoutMs = 5000;
const saveTimeoutMs = 120_000;
const pollMs = 2;
/** Bytes a second; the default of 128 MiB is for networks. */
const bandwidth = 16 * 1024 ** 3;

/** What a live migration before may have asked for. */
const notToFiles = ['return-path', 'pause-before-switchover'].map((capability) => ({ capability, state: false }));

/** Stops the guest and has the vmm write all of it to the file it was given. @throws EngineError */
export async function writeState(qmp: QmpClient, memoryIsFile: boolean): Promise<void> {
  // one that was saved before and has not gone on yet cannot be saved again
  if ((await qmp.status(commandTimeoutMs)) === 'postmigrate') await qmp.execute('cont', commandTimeoutMs);
  await qmp.execute('stop', commandTimeoutMs);
  const capabilities = [{ capability: 'x-ignore-shared', state: memoryIsFile }, ...notToFiles];
  await qmp.execute('migrate-set-capabilities', commandTimeoutMs, { capabilities });
  await qmp.execute('migrate-set-parameters', commandTimeoutMs, { 'max-bandwidth': bandwidth });
  await qmp.execute('migrate', commandTimeoutMs, { uri: fdsetUri('outgoing') });
  const deadlineMs = monotonicMs() + saveTimeoutMs;
  for (;;) {
    const migration = await qmp.execute('query-migrate', commandTimeoutMs);
    const { status, 'error-desc': why = 'no reason given' } = isFields(migration) ? migration : {};
    if (status === 'completed') return;
    if (status === 'failed' || status === 'cancelled' || monotonicMs() > deadlineMs) {
      const code = String(why).includes('No space left') ? 'node-disk-full' : 'no-answer';
      throw new EngineError(code, `the guest could not be saved: ${String(why)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** A vmm keeps the descriptor of its file, so what is kept is a copy: whole and on disk, or not there. */
export async function keepState(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, `${to}.new`, constants.COPYFILE_FICLONE);
    const file = await open(`${to}.new`, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${to}.new`, to);
  } catch (cause) {
    await rm(`${to}.new`, { force: true });
    const isFull = cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC';
    if (isFull) throw new EngineError('node-disk-full', `no space left to save a guest to ${to}`, { cause });
    throw cause;
  }
}
