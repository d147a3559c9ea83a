import { keepNodeFolder } from '@berth/certificates/node-folder.js';
import { tlsDirOf, type Layout } from './layout.js';
import { nodeName } from './services.js';

const lookAgainMs = 24 * 3600 * 1000;

/** Makes what nodes show each other when guests move, and renews it in time. Resolves to the way to end that. */
export async function keepCertificates(
  layout: Layout,
  nodes: number,
  onFailure: (error: unknown) => void,
): Promise<() => void> {
  const names = Array.from({ length: nodes }, (_, at) => nodeName(at + 1));
  const keep = async (): Promise<void> => {
    // one after the other: the first of them makes the authority
    for (const name of names) await keepNodeFolder(tlsDirOf(layout, name), name, layout.authorityDir, new Date());
  };
  await keep();
  const timer = setInterval(() => void keep().catch(onFailure), lookAgainMs).unref();
  return () => clearInterval(timer);
}
