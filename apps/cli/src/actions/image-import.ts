import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ImageSource, ImageView } from '@berth/contracts/http/image.js';
import { importFormats } from '@berth/domain/image-state.js';
import { headBytes, recognise, tailBytes } from '@berth/images/recognition.js';
import type { HttpClient } from '../client/http.js';
import type { Invocation } from '../commands/invocation.js';
import { ApiError, CliError } from '../output/failure.js';

/** Small enough for a slow line to bring it in the time that the API gives one piece. */
const pieceBytes = 4 * 1024 ** 2;
const pieceAttemptsMax = 5;
const pieceTimeoutMs = 60_000;
const pollMs = 300;

export interface ImportFlags {
  readonly name?: string;
  readonly format?: string;
  readonly os: string;
  readonly firmware?: string;
  readonly profile?: string;
  readonly ready?: string;
  readonly architecture: string;
  readonly minMemory: number;
  readonly minDisk: number;
  readonly sha256?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly cmdline?: string;
  readonly public?: true;
}

/**
 * From a file here, a kernel with its RAM disk here, or a URL there to an image that may be used.
 * @throws CliError with the reason of a refusal
 */
export async function importImage(
  invocation: Invocation,
  given: string | undefined,
  flags: ImportFlags,
): Promise<void> {
  const api = invocation.api();
  const [from, ...more] = filesOf(given, flags);
  const isUrl = given !== undefined && urlPattern.test(given);
  const source = await sourceOf(invocation, [from, ...more], flags);
  const body = {
    name: flags.name ?? nameOf(from),
    osFamily: flags.os,
    architecture: flags.architecture,
    firmware: flags.firmware,
    profile: flags.profile,
    ready: readyOf(flags.ready),
    minMemoryMib: flags.minMemory,
    minDiskGib: flags.minDisk,
    visibility: flags.public ? 'public' : 'project',
    source,
  };
  const { id } = await registered(api, body);
  if (!isUrl) await upload(invocation, api, id, [from, ...more]);
  const image = await untilSettled(invocation, api, id);
  if (image.state !== 'active') {
    throw new CliError(`image ${image.name}: ${image.reason}`, { next: `berth image delete ${image.name}` });
  }
  invocation.print(image.name);
}

const urlPattern = /^https?:\/\//;

/** What is to be sent, in order; of a kernel also its RAM disk. */
function filesOf(given: string | undefined, { kernel, initrd, cmdline }: ImportFlags): [string, ...string[]] {
  if (given !== undefined) {
    if ((kernel ?? initrd ?? cmdline) === undefined) return [given];
    throw new CliError(`${given} is a disk, and --kernel, --initrd and --cmdline are of an image without`, {
      next: 'leave out one of them',
    });
  }
  if (kernel !== undefined && initrd !== undefined) return [kernel, initrd];
  throw new CliError('there is nothing to import', { next: 'give a file or a URL, or both --kernel and --initrd' });
}

async function sourceOf(invocation: Invocation, [from, initrd]: [string, ...string[]], flags: ImportFlags) {
  if (initrd !== undefined) return kernelSource(invocation, from, initrd, flags);
  return urlPattern.test(from) ? urlSource(from, flags) : fileSource(invocation, from, flags);
}

type Source = Awaited<ReturnType<typeof sourceOf>>;

/** An upload that broke off goes on: the same name and the same bytes are the same image. */
async function registered(api: HttpClient, body: { name: string; source: Source }): Promise<ImageView> {
  try {
    return await api.call<ImageView>({ method: 'POST', path: '/images', body });
  } catch (error) {
    if (!(error instanceof ApiError && error.problem.code === 'name-taken')) throw error;
    const image = await api.call<ImageView>({ method: 'GET', path: `/images/${body.name}` });
    const isSame = sumsOf(image.source) === sumsOf(body.source);
    if (image.state === 'importing' && isSame) return image;
    throw error;
  }
}

/** By them it is known which bytes it is of. */
function sumsOf(source: Source | ImageSource): string {
  return 'kernel' in source ? `${source.kernel.sha256} ${source.initrd.sha256}` : source.sha256;
}

/** `serial:TEXT` or a word that the API knows. */
function readyOf(sign: string | undefined): string | { serial: string } | undefined {
  return sign?.startsWith('serial:') ? { serial: sign.slice('serial:'.length) } : sign;
}

function nameOf(from: string): string {
  const last = basename(from.split(/[?#]/, 1)[0]!).toLowerCase();
  return last.replace(/\.[a-z0-9]+$/, '').replaceAll(/[^a-z0-9.-]+/g, '-');
}

function urlSource(url: string, { format, sha256 }: ImportFlags) {
  if (sha256 === undefined) throw new CliError('an import from a URL needs --sha256: nothing else proves its bytes');
  const guessed = /\.(qcow2|iso|vmdk|vdi|vhdx?|raw)(\?|$)/i.exec(url)?.[1]?.toLowerCase();
  return { kind: 'url', url, sha256, format: format ?? guessed ?? 'qcow2' };
}

async function fileSource(invocation: Invocation, path: string, flags: ImportFlags) {
  const found = await statOf(path);
  const format = flags.format ?? (await formatOf(path, found));
  const sha256 = await sha256Of(invocation, path);
  if (flags.sha256 !== undefined && flags.sha256 !== sha256) throw new CliError(`its SHA-256 is ${sha256}`);
  return { kind: 'upload', format, sha256, sizeBytes: found.size };
}

/** What they are, the API looks at. */
async function kernelSource(invocation: Invocation, kernel: string, initrd: string, flags: ImportFlags) {
  if ((flags.format ?? flags.sha256) !== undefined)
    throw new CliError('--format and --sha256 are of a disk, not of a kernel with its RAM disk', {
      next: 'leave them out: both files are looked at and have their checksums made',
    });
  const part = async (path: string) => {
    const { size: sizeBytes } = await statOf(path);
    return { sha256: await sha256Of(invocation, path), sizeBytes };
  };
  return { kind: 'kernel-upload', kernel: await part(kernel), initrd: await part(initrd), cmdline: flags.cmdline };
}

async function statOf(path: string): Promise<Stats> {
  return stat(path).catch(() => {
    throw new CliError(`${path} cannot be read`);
  });
}

async function sha256Of(invocation: Invocation, path: string): Promise<string> {
  invocation.tell(`· checksum of ${path}`);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function formatOf(path: string, { size }: Stats): Promise<string> {
  const file = await open(path);
  try {
    const read = async (bytes: number, at: number): Promise<Buffer> => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
      return buffer.subarray(0, bytesRead);
    };
    const format = recognise(await read(headBytes, 0), await read(tailBytes, Math.max(0, size - tailBytes)));
    if ((importFormats as readonly string[]).includes(format)) return format;
    throw new CliError(`${path} is ${format}; ${importFormats.join(', ')} can be imported`);
  } finally {
    await file.close();
  }
}

/** One after another, as one. */
async function upload(invocation: Invocation, api: HttpClient, id: string, paths: readonly string[]): Promise<void> {
  const files: FileHandle[] = [];
  try {
    for (const path of paths) files.push(await open(path));
    let image = await api.call<ImageView>({ method: 'GET', path: `/images/${id}` });
    for (let failures = 0; image.state === 'importing' && image.receivedBytes < (image.totalBytes ?? 0);) {
      tellProgress(invocation, image, 'uploaded');
      try {
        image = await sendPiece(api, image, files);
        failures = 0;
      } catch (error) {
        if (++failures === pieceAttemptsMax) throw error;
        await delay(pollMs);
        image = await api.call<ImageView>({ method: 'GET', path: `/images/${id}` });
      }
    }
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

async function sendPiece(
  api: HttpClient,
  { id, receivedBytes }: ImageView,
  files: readonly FileHandle[],
): Promise<ImageView> {
  const bytes = await pieceAt(files, receivedBytes);
  const path = `/images/${id}/content`;
  return api.call<ImageView>({
    method: 'PUT',
    path,
    query: { offset: receivedBytes },
    bytes,
    timeoutMs: pieceTimeoutMs,
  });
}

/** A piece ends with its file. */
async function pieceAt(files: readonly FileHandle[], offset: number): Promise<Buffer> {
  let at = offset;
  for (const file of files) {
    const { size } = await file.stat();
    if (at < size) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(pieceBytes, size - at)), 0, undefined, at);
      return buffer.subarray(0, bytesRead);
    }
    at -= size;
  }
  throw new CliError('the files have become shorter since they were looked at');
}

async function untilSettled(invocation: Invocation, api: HttpClient, id: string): Promise<ImageView> {
  for (;;) {
    const image = await api.call<ImageView>({ method: 'GET', path: `/images/${id}` });
    if (image.state !== 'importing') return image;
    tellProgress(invocation, image, image.receivedBytes === image.totalBytes ? 'inspects and converts' : 'fetched');
    await delay(pollMs);
  }
}

const told = new WeakMap<Invocation, string>();

/** A line only when it says something new. */
function tellProgress(invocation: Invocation, { receivedBytes, totalBytes }: ImageView, what: string): void {
  const mib = (bytes: number): string => `${Math.floor(bytes / 1024 ** 2)}`;
  const of = totalBytes === null ? '' : ` of ${mib(totalBytes)}`;
  const line = `· ${what} ${mib(receivedBytes)}${of} MiB`;
  if (told.get(invocation) === line) return;
  told.set(invocation, line);
  invocation.tell(line);
}
