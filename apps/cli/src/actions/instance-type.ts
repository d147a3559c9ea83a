import type { InstanceTypeView } from '@berth/contracts/http/access.js';
import { diskGibMax } from '@berth/domain/limits.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceTypeNoun } from '../nouns/catalogue.js';
import { parseFormat } from '../output/format.js';
import { renderList, renderOne } from '../output/render.js';
import type { OutputFlags } from './list.js';
import { wholeNumber } from './whole-number.js';

export interface CreateTypeFlags extends OutputFlags {
  readonly vcpus: string;
  readonly memory: string;
  readonly disk: string;
}

export async function createType(invocation: Invocation, name: string, flags: CreateTypeFlags): Promise<void> {
  const format = parseFormat(flags.output);
  const body = {
    name,
    vcpus: wholeNumber('--vcpus', flags.vcpus, { min: 1, example: 1 }),
    memoryMib: wholeNumber('--memory', flags.memory, { unit: 'MiB', example: 1024 }),
    diskGib: wholeNumber('--disk', flags.disk, { unit: 'GiB', max: diskGibMax, example: 4 }),
  };
  const type = await invocation.api().call<InstanceTypeView>({ method: 'POST', path: instanceTypeNoun.path, body });
  invocation.print(await renderList([type], instanceTypeNoun, format));
}

export async function getType(invocation: Invocation, name: string, flags: OutputFlags): Promise<void> {
  const format = parseFormat(flags.output);
  const path = `${instanceTypeNoun.path}/${encodeURIComponent(name)}`;
  const type = await invocation.api().call<InstanceTypeView>({ method: 'GET', path });
  invocation.print(await renderOne(type, instanceTypeNoun, format));
}
