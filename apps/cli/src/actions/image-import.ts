import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ImageView } from '@berth/contracts/http/image.js';
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
  readonly public?: true;
}

/** From a file here or a URL there to an image that may be used. @throws CliError with the reason of a refusal */
export async function importImage(invocation: Invocation, from: string, flags: ImportFlags): Promise<void> {
  const api = invocation.api();
  const isUrl = /^https?:\/\//.test(from);
  const source = isUrl ? urlSource(from, flags) : await fileSource(invocation, from, flags);
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
  if (!isUrl) await upload(invocation, api, id, from);
  const image = await untilSettled(invocation, api, id);
  if (image.state !== 'active') {
    throw new CliError(`image ${image.name}: ${image.reason}`, { next: `berth image delete ${image.name}` });
  }
  invocation.print(image.name);
}

/** An upload that broke off goes on: the same name and the same bytes are the same image. */
async function registered(api: HttpClient, body: { name: string; source: { sha256: string } }): Promise<ImageView> {
  try {
    return await api.call<ImageView>({ method: 'POST', path: '/images', body });
  } catch (error) {
    if (!(error instanceof ApiError && error.problem.code === 'name-taken')) throw error;
    const image = await api.call<ImageView>({ method: 'GET', path: `/images/${body.name}` });
    const isSame = 'sha256' in image.source && image.source.sha256 === body.source.sha256;
    if (image.state === 'importing' && isSame) return image;
    throw error;
  }
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
  const found = await stat(path).catch(() => {
    throw new CliError(`${path} cannot be read`);
  });
  const format = flags.format ?? (await formatOf(path, found));
  invocation.tell(`· checksum of ${path}`);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const sha256 = hash.digest('hex');
  if (flags.sha256 !== undefined && flags.sha256 !== sha256) throw new CliError(`its SHA-256 is ${sha256}`);
  return { kind: 'upload', format, sha256, sizeBytes: found.size };
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

async function upload(invocation: Invocation, api: HttpClient, id: string, path: string): Promise<void> {
  const file = await open(path);
  try {
    let image = await api.call<ImageView>({ method: 'GET', path: `/images/${id}` });
    for (let failures = 0; image.state === 'importing' && image.receivedBytes < (image.totalBytes ?? 0);) {
      tellProgress(invocation, image, 'uploaded');
      try {
        image = await sendPiece(api, image, file);
        failures = 0;
      } catch (error) {
        if (++failures === pieceAttemptsMax) throw error;
        await delay(pollMs);
        image = await api.call<ImageView>({ method: 'GET', path: `/images/${id}` });
      }
    }
  } finally {
    await file.close();
  }
}

async function sendPiece(api: HttpClient, { id, receivedBytes }: ImageView, file: FileHandle): Promise<ImageView> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(pieceBytes), 0, pieceBytes, receivedBytes);
  const path = `/images/${id}/content`;
  const bytes = buffer.subarray(0, bytesRead);
  return api.call<ImageView>({
    method: 'PUT',
    path,
    query: { offset: receivedBytes },
    bytes,
    timeoutMs: pieceTimeoutMs,
  });
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
