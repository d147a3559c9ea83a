import { runScenario } from '@berth/simulation/scenario.js';
import type { Summary } from '@berth/simulation/report/summary.js';
import { terminal } from '../output/terminal.js';
import { loadScenario, policyNamed, type RunFlags } from './options.js';
import { runPacking } from './packing.js';
import { progressBar } from './progress.js';
import { DecisionLog, writeReport } from './report-files.js';
import { summaryLines } from './summary-lines.js';

export async function run(flags: RunFlags): Promise<void> {
  const startedMs = performance.now();
  const { summary, observations } = flags.trace.startsWith('azure:')
    ? { summary: await runPacking(flags), observations: [] }
    : await runDemand(flags);
  const measured = flags.timing ? { ...summary, ...measurements(startedMs) } : summary;
  if (flags.report !== undefined) {
    await writeReport(flags.report, measured, observations);
    terminal.tell(`report: ${flags.report}/report.html`);
  }
  if (flags.json === true) terminal.print(JSON.stringify(measured, undefined, 2));
  else for (const line of summaryLines(measured)) terminal.print(line);
}

async function runDemand(flags: RunFlags) {
  const policy = policyNamed(flags.policy);
  const scenario = await loadScenario(flags);
  const { instances, durationS } = scenario.workload;
  const log = flags.decisions === true && flags.report !== undefined ? await DecisionLog.open(flags.report) : undefined;
  const onProgress = progressBar(policy, durationS);
  const result = runScenario({
    ...scenario,
    policy,
    onProgress,
    onMove: (timeS, move) => log?.write(timeS, move, instances[move.instance]!.id),
  });
  onProgress(durationS);
  await log?.close();
  return result;
}

function measurements(startedMs: number): Pick<Summary, 'wallSeconds' | 'peakRssMib'> {
  const wallSeconds = Math.round(performance.now() - startedMs) / 1000;
  return { wallSeconds, peakRssMib: Math.round(process.resourceUsage().maxRSS / 1024) };
}
