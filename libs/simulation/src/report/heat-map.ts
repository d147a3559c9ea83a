import type { Observation } from '../replay/options.js';
import { hourLabel, hourStep } from './plot.js';

const WIDTH = 1480;
const MARGIN = { left: 78, right: 22, bottom: 26 };
const MOST_COLUMNS = 240;
const MOST_ROWS = 400;

/**
 * The fleet over time: a row for each node that was ever on, a column for each instant, darker the fuller. Nodes
 * that were on longest are at the bottom. Empty text when there is nothing to show.
 */
export function heatMap(observations: readonly Observation[]): string {
  const seen = observations.filter((row) => row.heat !== undefined);
  const size = seen[0]?.heat?.length ?? 0;
  const every = Math.max(1, Math.ceil(seen.length / MOST_COLUMNS));
  const columns = seen.filter((_, i) => i % every === 0);
  const onCount = (node: number) => columns.filter(({ heat }) => heat![node]! >= 0).length;
  const nodes = Array.from({ length: size }, (_, node) => ({ node, on: onCount(node) }))
    .filter(({ on }) => on > 0)
    .sort((a, b) => a.on - b.on || b.node - a.node)
    .slice(0, MOST_ROWS);
  if (nodes.length === 0 || columns.length < 2) return '';
  const cellWidth = (WIDTH - MARGIN.left - MARGIN.right) / columns.length;
  const cellHeight = Math.max(1.5, Math.min(14, 620 / nodes.length));
  const height = nodes.length * cellHeight + MARGIN.bottom;
  const rows = nodes.map(({ node }, row) =>
    rowOf(columns, node, (column) => MARGIN.left + column * cellWidth, row * cellHeight, cellWidth, cellHeight),
  );
  return `<figure><figcaption><b>Fleet</b> <i>utilization of each node that was on</i>${legend()}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${height.toFixed(1)}" role="img" aria-label="Heat map" shape-rendering="crispEdges">
${rows.join('')}<text class="tick y" x="${MARGIN.left - 6}" y="12">${nodes.length} nodes</text>
${hoursOf(columns, height)}</svg></figure>`;
}

/** Neighbouring cells of one colour are one rectangle. */
function rowOf(
  columns: readonly Observation[],
  node: number,
  x: (column: number) => number,
  y: number,
  width: number,
  height: number,
): string {
  let cells = '';
  for (let from = 0; from < columns.length;) {
    const level = levelOf(columns[from]!.heat![node]!);
    let to = from + 1;
    while (to < columns.length && levelOf(columns[to]!.heat![node]!) === level) to++;
    if (level >= 0) {
      const place = `x="${x(from).toFixed(1)}" y="${y.toFixed(1)}"`;
      const size = `width="${((to - from) * width).toFixed(1)}" height="${height.toFixed(1)}"`;
      cells += `<rect class="h${level}" ${place} ${size}/>`;
    }
    from = to;
  }
  return cells;
}

/** -1 off, 0 to 5 by utilization up to full, 6 overloaded. */
function levelOf(utilization: number): number {
  if (utilization < 0) return -1;
  if (utilization > 1) return 6;
  return [0.2, 0.5, 0.7, 0.85, 0.95].filter((bound) => utilization >= bound).length;
}

function legend(): string {
  const labels = ['< 20 %', '20', '50', '70', '85', '95', '> 100 %'];
  return labels.map((label, level) => `<span class="key h${level}">${label}</span>`).join('');
}

function hoursOf(columns: readonly Observation[], height: number): string {
  const hours = columns.at(-1)!.timeS / 3600;
  let text = '';
  for (let hour = 0; hour <= hours; hour += hourStep(hours)) {
    const x = MARGIN.left + (hour / hours) * (WIDTH - MARGIN.left - MARGIN.right);
    text += `<text class="tick x" x="${x.toFixed(1)}" y="${(height - 8).toFixed(1)}">${hourLabel(hour)}</text>`;
  }
  return text;
}
