import type { Observation } from '../replay/options.js';
import { heatMap } from './heat-map.js';
import { escapeHtml, linePlot, type PlotLine } from './plot.js';
import { STYLE } from './style.js';
import { moneyOf, type Summary } from './summary.js';

const MOST_PROJECTS = 20;
const MOST_POINTS = 720;

/** `report.html`: one file, no script, nothing loaded from anywhere. */
export function reportPage(summary: Summary, observations: readonly Observation[]): string {
  const scene = `${summary.trace} on ${summary.fleet}, seed ${summary.seed}`;
  const rules = summary.rules.map((rule) => `<li>${escapeHtml(rule)}</li>`).join('');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(`${summary.policy} on ${summary.trace}`)}</title><style>${STYLE}</style></head><body><main>
<header><h1>${escapeHtml(summary.policy)}</h1><p>${escapeHtml(scene)}</p></header>
${cards(summary)}<section class="plots">${plots(summary, observations)}</section>
${projects(summary)}<h2>Rules in force</h2><ol>${rules}</ol>
${rejections(summary)}</main></body></html>\n`;
}

function cards(summary: Summary): string {
  const { energyKwh, energyOverFloor, cost, carbonGrams } = summary;
  const figures: [string | null, string][] = [
    [energyKwh === null ? null : `${energyKwh.toFixed(2)} kWh`, 'energy'],
    [energyOverFloor === null ? null : `${energyOverFloor.toFixed(3)} ×`, 'of the floor no policy can pass'],
    [percent(summary.slatahPercent, 2), 'SLATAH: node time in overload'],
    [percent(summary.pdmPercent, 4), 'PDM: demand lost to migration'],
    [percent(summary.unservedPercent, 2), 'demand not served in overload'],
    [summary.migrationsPerInstanceDay.toFixed(2), `migrations per instance-day (${summary.migrations} in all)`],
    [summary.nodeHours.toFixed(0), `node-hours (lower bound ${summary.nodeHoursLowerBound.toFixed(0)})`],
    [String(summary.peakNodes), 'nodes at the peak'],
    [cost === null ? null : cost.total, 'energy, capital and operations'],
    [carbonGrams === null ? null : `${(carbonGrams / 1000).toFixed(1)} kg`, 'CO₂'],
    [String(summary.instancesLost), `instances lost (${summary.instancesRejected} rejected)`],
  ];
  const shown = figures.filter((figure): figure is [string, string] => figure[0] !== null);
  const card = ([value, label]: [string, string]) =>
    `<div class="card"><b>${escapeHtml(value)}</b><span>${label}</span></div>`;
  return `<section class="cards">${shown.map(card).join('')}</section>`;
}

function plots(summary: Summary, observations: readonly Observation[]): string {
  const every = Math.max(1, Math.ceil(observations.length / MOST_POINTS));
  const rows = observations.filter((_, i) => i % every === 0);
  if (rows.length < 2) return '';
  const line = (
    label: string,
    className: string,
    of: (row: Observation, i: number) => number,
    filled = false,
  ): PlotLine => ({
    label,
    className,
    filled,
    points: rows.map((row, i) => [row.timeS / 3600, of(row, i)] as const),
  });
  const perHour = (row: Observation, i: number) => {
    const before = rows[i - 1];
    return before === undefined ? 0 : ((row.migrations - before.migrations) * 3600) / (row.timeS - before.timeS);
  };
  const all = [
    linePlot('Nodes on', '', [line('nodes', 'a', (row) => row.nodesOn, true)]),
    linePlot('Power', 'kW', [
      line('drawn', 'a', (row) => row.watts / 1000, true),
      line('floor', 'd', (row) => row.floorWatts / 1000),
    ]),
    linePlot('Utilization', '% of the CPU that is on', [
      line('utilization', 'a', (row) => row.utilization * 100, true),
    ]),
    linePlot('Nodes in overload', '', [line('overloaded', 'b', (row) => row.overloadedNodes, true)]),
    linePlot('Migrations', 'per hour', [line('migrations', 'a', perHour, true)]),
    ...costPlot(summary, rows, line),
  ];
  return all.join('\n') + heatMap(observations).replace('<figure>', '<figure class="wide">');
}

/** Cost grows with energy and node time; both are in the series. */
function costPlot(
  { cost, energyKwh }: Summary,
  rows: readonly Observation[],
  line: (label: string, className: string, of: (row: Observation, i: number) => number, filled?: boolean) => PlotLine,
): string[] {
  if (cost === null || energyKwh === null || energyKwh === 0) return [];
  const energy = Number(cost.energyMicroCents) / Number(cost.totalMicroCents);
  const nodeTime = [0];
  rows.forEach((row, i) => {
    if (i > 0) nodeTime.push(nodeTime[i - 1]! + rows[i - 1]!.nodesOn * (row.timeS - rows[i - 1]!.timeS));
  });
  const all = Math.max(1, nodeTime.at(-1)!);
  const spent = (row: Observation, i: number) =>
    moneyOf(cost) * ((energy * row.energyKwh) / energyKwh + ((1 - energy) * nodeTime[i]!) / all);
  const ofEnergy = (row: Observation) => (moneyOf(cost) * energy * row.energyKwh) / energyKwh;
  return [linePlot('Cost so far', cost.currency, [line('total', 'a', spent, true), line('energy', 'd', ofEnergy)])];
}

function projects({ cost }: Summary): string {
  if (cost === null) return '';
  const sorted = Object.entries(cost.byProjectMicroCents).sort((a, b) => Number(b[1]) - Number(a[1]));
  const rows = sorted.slice(0, MOST_PROJECTS).map(([name, amount]) => {
    const share = (100 * Number(amount)) / Math.max(1, Number(cost.totalMicroCents));
    const money = (Number(amount) / 1e8).toFixed(4);
    return `<tr><td>${escapeHtml(name)}</td><td>${money}</td><td>${share.toFixed(1)} %</td></tr>`;
  });
  const more = sorted.length > MOST_PROJECTS ? ` (the largest ${MOST_PROJECTS} of ${sorted.length})` : '';
  const head = `<tr><th>project</th><th>${escapeHtml(cost.currency)}</th><th>share</th></tr>`;
  return `<h2>Who for${more}</h2><table>${head}${rows.join('')}</table>`;
}

function rejections(summary: Summary): string {
  if (summary.rejections.length === 0) return '';
  const items = summary.rejections.map(({ reason, rows }) => `<li>${rows}: ${escapeHtml(reason)}</li>`);
  return `<h2>Rejected</h2><ol>${items.join('')}</ol>`;
}

function percent(value: number | null, digits: number): string | null {
  return value === null ? null : `${value.toFixed(digits)} %`;
}
