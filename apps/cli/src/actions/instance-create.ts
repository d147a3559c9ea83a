import { randomUUID } from 'node:crypto';
import type { dryRunView, InstanceView } from '@berth/contracts/http/instance.js';
import type { AcceptedView } from '@berth/contracts/http/operation.js';
import { createCountMax } from '@berth/domain/limits.js';
import type { z } from 'zod';
import type { Call, HttpClient } from '../client/http.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceNoun } from '../nouns/instance.js';
import { CliError, exitCodes } from '../output/failure.js';
import { parseFormat } from '../output/format.js';
import { renderList } from '../output/render.js';
import { decisionText } from './decision-text.js';
import { guestAccessOf, type AccessFlags } from './guest-access.js';
import type { OutputFlags } from './list.js';
import { waitForAll, type WaitFlags } from './wait.js';
import { wholeNumber, type WholeNumbers } from './whole-number.js';

export interface CreateFlags extends OutputFlags, WaitFlags, AccessFlags {
  readonly type: string;
  readonly image: string;
  readonly count?: string;
  readonly label?: string[];
  readonly nodeSelector?: string[];
  readonly group?: string;
  readonly groupPolicy?: string;
  readonly zoneSpread?: string;
  readonly driver?: string[];
  readonly restart?: string;
  readonly onIsolation?: string;
  readonly idempotencyKey?: string;
  readonly dryRun?: true;
}

/** That one request may ask for. */
export const instanceCounts: WholeNumbers = { min: 1, max: createCountMax, example: 3 };

type DryRun = z.infer<typeof dryRunView>;

export async function createInstances(invocation: Invocation, name: string, flags: CreateFlags): Promise<void> {
  const api = invocation.api();
  const body = { ...createBody(name, flags), ...(await guestAccessOf(flags)) };
  if (flags.dryRun)
    return printDryRun(invocation, await api.call<DryRun>({ method: 'POST', path: '/instances', body }));
  // The key makes a second try after a lost answer safe; it is new for each command.
  const headers = { 'idempotency-key': flags.idempotencyKey ?? randomUUID() };
  await acceptAndShow(invocation, { method: 'POST', path: '/instances', body, headers }, flags);
}

/** Waits for the instances that are made, and shows them. */
export async function acceptAndShow(invocation: Invocation, call: Call, flags: OutputFlags & WaitFlags): Promise<void> {
  const api = invocation.api();
  const format = parseFormat(flags.output);
  const accepted = await api.call<AcceptedView>(call);
  await waitForAll(invocation, api, accepted.operations, flags);
  const instances = flags.wait === false ? accepted.instances : await reload(api, accepted.instances);
  invocation.print(await renderList(instances, instanceNoun, format));
}

function reload(api: HttpClient, instances: readonly InstanceView[]): Promise<InstanceView[]> {
  return Promise.all(instances.map(({ id }) => api.call<InstanceView>({ method: 'GET', path: `/instances/${id}` })));
}

/** The request as given: what is left out is the API's to choose. */
export function createBody(name: string, flags: CreateFlags): Record<string, unknown> {
  const placement = {
    nodeSelector: flags.nodeSelector && pairs('--node-selector', flags.nodeSelector),
    group: flags.group && { name: flags.group, policy: flags.groupPolicy ?? 'anti-affinity' },
    zoneSpreadMax: wholeNumber('--zone-spread', flags.zoneSpread, { min: 1, example: 1 }),
    drivers: flags.driver,
  };
  return {
    name,
    instanceType: flags.type,
    image: flags.image,
    count: wholeNumber('--count', flags.count, instanceCounts),
    labels: flags.label && pairs('--label', flags.label),
    placement,
    restartPolicy: flags.restart,
    onIsolation: flags.onIsolation,
    dryRun: flags.dryRun,
  };
}

function pairs(flag: string, texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new CliError(`${flag} takes key=value, not "${text}"`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

function printDryRun(invocation: Invocation, { placements }: DryRun): void {
  for (const decision of placements) invocation.print(decisionText(decision));
  if (placements.some(({ outcome }) => outcome !== 'placed')) {
    throw new CliError('not everything would be placed', { exitCode: exitCodes.notPlaced });
  }
}
