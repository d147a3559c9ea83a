import { existsSync } from 'node:fs';
import { defaultPrograms } from '@berth/engine/qemu/open.js';
import { qemuVersion } from '@berth/engine/qemu/version.js';
import { CliError } from '../output/failure.js';
import { outputOf, type Apt } from './apt.js';

/** Older ones corrupt a running guest on migration under software emulation (fixed in 9.0). */
const qemuMajorMin = 9;
const packages = ['qemu-system-x86', 'qemu-utils'];
const backports = 'bookworm-backports';
const sourcesPath = '/etc/apt/sources.list.d/berth-backports.sources';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** What guests would run on. */
export interface FoundQemu {
  /** BERTH_QEMU names it: nothing is installed in its place. */
  readonly isNamed: boolean;
  /** Undefined: there is none. */
  readonly version: string | undefined;
  readonly isNewEnough: boolean;
}

/** @throws CliError when BERTH_QEMU names what is none */
export async function findQemu({ BERTH_QEMU: named = '' }: NodeJS.ProcessEnv): Promise<FoundQemu> {
  const version = await qemuVersion(named === '' ? defaultPrograms.qemuPath : named);
  if (named !== '' && version === undefined) {
    throw new CliError('BERTH_QEMU: no QEMU runs at this path', { next: 'unset BERTH_QEMU, or correct it' });
  }
  return { isNamed: named !== '', version, isNewEnough: Number.parseInt(version ?? '0', 10) >= qemuMajorMin };
}

/** @throws CliError that names the command to type when the distribution has no QEMU that is new enough */
export async function ensureQemu(apt: Apt): Promise<void> {
  if (await isBookworm()) {
    await addBackports(apt);
    await apt.install(packages, backports);
  } else {
    await apt.install(packages);
  }
  const { version, isNewEnough } = await findQemu({});
  if (!isNewEnough) throw missing(version);
}

/** For a machine that keeps what it has: what its guests get, what they do without, and how to have more. */
export function qemuNotice({ isNamed, version }: FoundQemu): string {
  const found = version === undefined ? 'there is no QEMU' : `QEMU ${version} is older than ${qemuMajorMin}`;
  const why = isNamed ? 'BERTH_QEMU names no other' : 'this user may not install one';
  return `! ${found}, and ${why}: ${version === undefined ? onV86 : onOldQemu}
  for more: ${remedy}`;
}

const onV86 = 'guests run on v86, in Node itself: slower, of 32 bits, one vcpu';
const onOldQemu = `guests run on it,
  but one that moves live under software emulation might be corrupted. There, guests move by shared memory between
  nodes of one machine, and standing still (stop-and-copy) elsewhere; neither precopy, postcopy, suspend, snapshots,
  clones nor warm starts are to be had`;
const remedy = `sudo bin/berth setup, for ${qemuMajorMin} or newer, or BERTH_QEMU=PATH of one; then start again`;

/** Where the set-up itself did not. */
const byHand =
  `as root: apt-get install --no-install-recommends ${packages.join(' ')} ` +
  `(on Debian 12 with "-t ${backports}", after adding that suite to the package sources), then start again`;

function missing(version: string | undefined): CliError {
  const found = version === undefined ? 'there is none' : `this is ${version}`;
  return new CliError(`QEMU ${qemuMajorMin} or newer is needed to run guests; ${found}`, { next: byHand });
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
