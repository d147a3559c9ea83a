import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const versionTimeoutMs = 10_000;
/** The first whose `file:` migration and private, read-only mapped memory are there and sound. */
const savesSinceMajor = 9;

/** Such as `10.0.2`; undefined when the program does not run. */
export async function qemuVersion(qemuPath: string): Promise<string | undefined> {
  return promisify(execFile)(qemuPath, ['--version'], { timeout: versionTimeoutMs }).then(
    ({ stdout }) => /version (\d+\.\S+)/.exec(stdout)?.[1],
    () => undefined,
  );
}

export function canSave(version: string | undefined): version is string {
  return version !== undefined && Number.parseInt(version, 10) >= savesSinceMajor;
}
