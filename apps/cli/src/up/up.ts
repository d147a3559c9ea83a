import { once } from 'node:events';
import type { Terminal } from '../output/terminal.js';
import { Datacenter } from './datacenter.js';
import { progressTo } from './progress.js';
import { upReport } from './report.js';
import type { UpOptions } from './up-options.js';

/**
 * Runs the datacenter until Ctrl-C or SIGTERM, then stops all of it. `onReady` gets the report of a start that
 * went well.
 */
export async function runUp(
  options: UpOptions,
  environment: NodeJS.ProcessEnv,
  tell: Terminal['tell'],
  onReady: (report: string) => void,
): Promise<void> {
  const stopped = new AbortController();
  const requestStop = (): void => stopped.abort(new Error('stopped before it was up'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, requestStop);
  const progress = progressTo(tell, stopped.signal);
  const datacenter = new Datacenter(options, environment, progress, stopped.signal);
  datacenter.take();
  try {
    const api = await datacenter.start();
    onReady(await upReport(api, datacenter.layout));
    if (!stopped.signal.aborted) await once(stopped.signal, 'abort');
  } finally {
    tell('· stopping ...');
    await datacenter.stop();
    tell('✓ everything stopped');
  }
}
