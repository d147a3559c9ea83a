import { constants } from 'node:fs';
import { copyFile, open, rename, rm, statfs, truncate } from 'node:fs/promises';
import { EngineError } from '../driver.js';
import { fdsetUri } from './arrival.js';
import { monotonicMs } from './clock.js';
import { isFields, type QmpClient } from './qmp.js';

/** Name, in the vmm's directory, of the one file it may write its state to. */
export const stateFile = 'state';

const commandTimeoutMs = 5000;
const saveTimeoutMs = 120_000;
const pollMs = 2;
/** So little is left where a write found no room. */
const fullBytes = 1024 ** 2;
/** Bytes a second; the default of 128 MiB is for networks. */
const bandwidth = 16 * 1024 ** 3;

/** What a live migration before may have asked for. */
const notToFiles = ['return-path', 'pause-before-switchover', 'postcopy-ram'].map((capability) => ({
  capability,
  state: false,
}));

/**
 * Stops the guest and has the vmm write all of it to `own`, the file it was given; what is kept of it is `to`, whole
 * and on disk, or not there. @throws EngineError
 */
export async function saveGuest(qmp: QmpClient, own: string, to: string, memoryIsFile: boolean): Promise<void> {
  await truncate(own); // of an earlier one nothing may stand behind it
  try {
    await writeState(qmp, own, memoryIsFile);
    await keepState(own, to);
  } finally {
    await truncate(own); // as large as the guest's memory
  }
}

async function writeState(qmp: QmpClient, own: string, memoryIsFile: boolean): Promise<void> {
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
      if (await isFull(own)) throw noSpace(own);
      throw new EngineError('no-answer', `the guest could not be saved: ${String(why)}`);
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
    throw cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC' ? noSpace(to, cause) : cause;
  }
}

/** QEMU calls every failure to write an input/output error. */
async function isFull(path: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize < fullBytes;
}

function noSpace(path: string, cause?: Error): EngineError {
  return new EngineError('node-disk-full', `no space left to save a guest to ${path}`, { cause });
}
