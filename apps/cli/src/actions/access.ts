import type { ProjectView } from '@berth/contracts/http/access.js';
import { listAll } from '../client/pages.js';
import type { Invocation } from '../commands/invocation.js';
import { projectNoun, tokenNoun, type CreatedTokenView, type TokenView } from '../nouns/catalogue.js';
import { parseFormat } from '../output/format.js';
import { renderList } from '../output/render.js';
import { sortItems } from '../output/sort.js';
import type { ListFlags, OutputFlags } from './list.js';
import { wholeNumber } from './whole-number.js';

export interface CreateProjectFlags extends OutputFlags {
  readonly instances?: string;
  readonly vcpus?: string;
  readonly memory?: string;
}

export interface CreateTokenFlags {
  readonly role: string;
  readonly hours?: string;
}

export async function createProject(invocation: Invocation, name: string, flags: CreateProjectFlags): Promise<void> {
  const quota = {
    maxInstances: wholeNumber('--instances', flags.instances, { example: 100 }),
    maxVcpus: wholeNumber('--vcpus', flags.vcpus, { example: 200 }),
    maxMemoryMib: wholeNumber('--memory', flags.memory, { unit: 'MiB', example: 65_536 }),
  };
  const project = await invocation
    .api()
    .call<ProjectView>({ method: 'POST', path: '/projects', body: { name, quota } });
  invocation.print(await renderList([project], projectNoun, parseFormat(flags.output)));
}

export async function listTokens(invocation: Invocation, project: string, flags: ListFlags): Promise<void> {
  const tokens = await listAll<TokenView>(invocation.api(), '/tokens', { project });
  invocation.print(await renderList(sortItems(tokens, tokenNoun, flags.sort), tokenNoun, parseFormat(flags.output)));
}

export async function createToken(
  invocation: Invocation,
  project: string,
  name: string,
  flags: CreateTokenFlags,
): Promise<void> {
  const expiresInHours = wholeNumber('--hours', flags.hours, { min: 1, example: 24 });
  const body = { name, role: flags.role, expiresInHours };
  const call = { method: 'POST', path: '/tokens', query: { project }, body } as const;
  const { token } = await invocation.api().call<CreatedTokenView>(call);
  invocation.tell('keep it: it is shown this once');
  invocation.print(token);
}
