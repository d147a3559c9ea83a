import { access, constants } from 'node:fs/promises';

/** Undefined: this user may open it, which says nothing yet about what it can do. The device is never opened here. */
export async function whyNoKvm(kvmPath: string): Promise<string | undefined> {
  try {
    await access(kvmPath, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    const isDenied = error instanceof Error && 'code' in error && error.code === 'EACCES';
    return isDenied ? `this user may not open ${kvmPath}` : `there is no ${kvmPath}`;
  }
}
