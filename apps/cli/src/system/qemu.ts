import { existsSync } from 'node:fs';
import { CliError } from '../output/failure.js';
import { outputOf, type Apt } from './apt.js';

/** Older ones corrupt a running guest on migration under software emulation (fixed in 9.0). */
const qemuMajorMin = 9;
const packages = ['qemu-system-x86', 'qemu-utils'];
const backports = 'bookworm-backports';
const sourcesPath = '/etc/apt/sources.list.d/berth-backports.sources';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

export async function hasQemu(): Promise<boolean> {
  return isNewEnough(await qemuVersion());
}

/** Undefined: there is none. */
async function qemuVersion(): Promise<string | undefined> {
  const text = await outputOf('qemu-system-x86_64', ['--version']);
  return /version (\d+\.\d+\.\d+)/.exec(text)?.[1];
}

/** @throws CliError that names the command to type when the distribution has no QEMU that is new enough */
export async function ensureQemu(apt: Apt): Promise<void> {
  if (await isBookworm()) {
    await addBackports(apt);
    await apt.install(packages, backports);
  } else {
    await apt.install(packages);
  }
  const version = await qemuVersion();
  if (!isNewEnough(version)) throw missing(version);
}

function isNewEnough(version: string | undefined): boolean {
  return Number(version?.split('.')[0] ?? 0) >= qemuMajorMin;
}

/** For a machine where nobody may install it: what the guests get instead, and how to have more. */
export async function noQemuNotice(): Promise<string> {
  const version = await qemuVersion();
  const found = version === undefined ? 'there is no QEMU' : `QEMU ${version} is too old`;
  return `! ${found}, and this user may not install one: guests run on v86, in Node itself: slower, of 32 bits, one vcpu
  for more: ${remedy}`;
}

const remedy =
  `as root: apt-get install --no-install-recommends ${packages.join(' ')} ` +
  `(on Debian 12 with "-t ${backports}", after adding that suite to the package sources), then start again`;

function missing(version: string | undefined): CliError {
  const found = version === undefined ? 'there is none' : `this is ${version}`;
  return new CliError(`QEMU ${qemuMajorMin} or newer is needed to run guests; ${found}`, { next: remedy });
}

async function isBookworm(): Promise<boolean> {
  return /^VERSION_CODENAME=bookworm$/m.test(await outputOf('cat', ['/etc/os-release']));
}

/**
 * Debian 12 has QEMU 7.2; its backports have 10. They are added once, from the mirror that the machine uses
 * already.
 */
async function addBackports(apt: Apt): Promise<void> {
  await apt.update(); // without package lists apt does not tell its sources
  const sources = await outputOf('apt-get', [
    'indextargets',
    '--format',
    '$(RELEASE) $(REPO_URI)',
    'Created-By: Packages',
  ]);
  const source = backportsSource(sources, existsSync(keyring));
  if (source !== undefined) await apt.writeFile(sourcesPath, source);
}

/** `sources` is a line `release uri` for each configured source. Undefined: the suite is among them. */
export function backportsSource(sources: string, withKeyring: boolean): string | undefined {
  const known = new Map(sources.split('\n').map((line) => line.split(' ', 2) as [string, string]));
  if (known.has(backports)) return undefined;
  const mirror = known.get('bookworm');
  if (mirror === undefined)
    throw new CliError('no package source for Debian bookworm is configured', { next: 'apt edit-sources' });
  const lines = ['Types: deb', `URIs: ${mirror}`, `Suites: ${backports}`, 'Components: main'];
  return [...lines, ...(withKeyring ? [`Signed-By: ${keyring}`] : []), ''].join('\n');
}
