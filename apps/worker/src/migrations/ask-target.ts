import type { VmmMove } from '../vmms/vmm.js';

const answerTimeoutMs = 2_000;

/** Of the worker at which a guest arrives; undefined: it did not answer. `pathOf`: see contracts/agent. */
export function askTarget(
  pathOf: (vmmId: string) => string,
  { agentUrl, targetVmmId }: Extract<VmmMove, { role: 'source' }>,
  secret: string,
): Promise<Response | undefined> {
  const headers = { authorization: `Bearer ${secret}` };
  const signal = AbortSignal.timeout(answerTimeoutMs);
  const url = new URL(pathOf(targetVmmId), agentUrl);
  return fetch(url, { method: 'POST', headers, signal }).catch(() => undefined);
}
