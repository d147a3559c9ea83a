import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { CliError } from '../output/failure.js';
import { wholeNumber } from './whole-number.js';

export interface AccessFlags {
  readonly sshKey?: string[];
  readonly userData?: string;
  readonly port?: string[];
}

/** What the flags say of how people reach the guest; `@` names a file, and a file of keys has one a line. */
export async function guestAccessOf({ sshKey = [], userData, port = [] }: AccessFlags) {
  const keys = await Promise.all(sshKey.map(textOf));
  const lines = keys.flatMap((text) => text.split('\n').map((line) => line.trim()));
  const sshKeys = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return {
    ...(sshKeys.length > 0 && { sshKeys }),
    ...(userData !== undefined && { userData: await textOf(userData) }),
    ...(port.length > 0 && {
      ports: port.map((text) => wholeNumber('--port', text, { min: 1, max: 65_535, example: 22 })),
    }),
  };
}

async function textOf(given: string): Promise<string> {
  if (!given.startsWith('@')) return given;
  const path = given.slice(1).replace(/^~(?=\/)/, homedir()); // behind the @ no shell expands it
  return readFile(path, 'utf8').catch((error: Error) => {
    throw new CliError(`${path} cannot be read: ${error.message}`);
  });
}
