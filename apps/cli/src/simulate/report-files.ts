import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { PlannedMove } from '@berth/scheduling/consolidation/plan.js';
import type { Observation } from '@berth/simulation/replay/options.js';
import { reportPage } from '@berth/simulation/report/page.js';
import { seriesLines } from '@berth/simulation/report/series.js';
import type { Summary } from '@berth/simulation/report/summary.js';

export async function writeReport(
  folder: string,
  summary: Summary,
  observations: readonly Observation[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'summary.json'), `${JSON.stringify(summary, undefined, 2)}\n`);
  await writeFile(join(folder, 'series.csv'), [...seriesLines(observations)].join(''));
  await writeFile(join(folder, 'report.html'), reportPage(summary, observations));
}

/** `decisions.jsonl`: one line a move. */
export class DecisionLog {
  private constructor(private readonly stream: WriteStream) {}

  static async open(folder: string): Promise<DecisionLog> {
    await mkdir(folder, { recursive: true });
    return new DecisionLog(createWriteStream(join(folder, 'decisions.jsonl')));
  }

  write(timeS: number, { from, to, reason }: PlannedMove, instance: string): void {
    this.stream.write(`${JSON.stringify({ timeS, instance, from, to, reason })}\n`);
  }

  async close(): Promise<void> {
    this.stream.end();
    await finished(this.stream);
  }
}
