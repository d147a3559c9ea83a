import { join } from 'node:path';
import type { SimulationCell } from '@berth/contracts/simulation.js';
import { isPacked } from '@berth/scenarios/check-policy.js';
import { loadScenario } from '@berth/scenarios/load-scenario.js';
import { runPacking } from '@berth/scenarios/run-packing.js';
import { runScenario } from '@berth/simulation/scenario.js';
import type { Summary } from '@berth/simulation/report/summary.js';
import { terminal } from '../output/terminal.js';
import { cellOf, type RunFlags } from './options.js';
import { progressBar } from './progress.js';
import { DecisionLog, writeReport } from './report-files.js';
import { summaryLines } from './summary-lines.js';

export async function run(flags: RunFlags): Promise<void> {
  const startedMs = performance.now();
  const cell = cellOf(flags, flags.policy);
  const { summary, observations } = isPacked(cell)
    ? { summary: await runPacking(cell), observations: [] }
    : await runDemand(cell, flags);
  const measured = flags.timing ? { ...summary, ...measurements(startedMs) } : summary;
  if (flags.report !== undefined) {
    await writeReport(flags.report, measured, observations);
    terminal.tell(`report: ${join(flags.report, 'report.html')}`);
  }
  if (flags.json === true) terminal.print(JSON.stringify(measured, undefined, 2));
  else for (const line of summaryLines(measured)) terminal.print(line);
}

async function runDemand(cell: SimulationCell, flags: RunFlags) {
  const scenario = await loadScenario(cell);
  const { instances, durationS } = scenario.workload;
  const log = flags.decisions === true && flags.report !== undefined ? await DecisionLog.open(flags.report) : undefined;
  const onProgress = progressBar(cell.policy, durationS);
  const result = runScenario({
    ...scenario,
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
