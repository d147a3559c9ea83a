/** One line of a plot; x in hours. */
export interface PlotLine {
  readonly label: string;
  readonly className: string;
  readonly points: readonly (readonly [number, number])[];
  /** Down to the axis. */
  readonly filled?: boolean;
}

const WIDTH = 480;
const HEIGHT = 190;
const MARGIN = { left: 42, right: 20, top: 10, bottom: 24 };
/** At most. */
const TICKS = 5;

/** A line chart as SVG that takes its colours from the page. */
export function linePlot(title: string, unit: string, lines: readonly PlotLine[]): string {
  const points = lines.flatMap((line) => line.points);
  const maxX = Math.max(1e-9, ...points.map(([x]) => x));
  const step = niceStep(Math.max(1e-9, ...points.map(([, y]) => y)));
  const top = step * Math.max(1, Math.ceil(Math.max(...points.map(([, y]) => y), 0) / step - 1e-9));
  const px = (x: number) => MARGIN.left + (x / maxX) * (WIDTH - MARGIN.left - MARGIN.right);
  const py = (y: number) => HEIGHT - MARGIN.bottom - (y / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const legend = lines.map((l) => `<span class="key ${l.className}">${escapeHtml(l.label)}</span>`).join('');
  return `<figure><figcaption><b>${escapeHtml(title)}</b> <i>${escapeHtml(unit)}</i>${legend}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">${gridOf(top, step, maxX, px, py)}
${lines.map((line) => pathOf(line, px, py)).join('\n')}</svg></figure>`;
}

function gridOf(top: number, tick: number, maxX: number, px: (x: number) => number, py: (y: number) => number): string {
  let grid = '';
  for (let i = 0; i * tick <= top * (1 + 1e-9); i++) {
    const y = i * tick;
    const at = py(y).toFixed(1);
    grid += `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}"/>`;
    grid += `<text class="tick y" x="${MARGIN.left - 6}" y="${(py(y) + 4).toFixed(1)}">${shortNumber(y)}</text>`;
  }
  const step = hourStep(maxX);
  for (let hour = 0; hour <= maxX + 1e-9; hour += step) {
    grid += `<text class="tick x" x="${px(hour).toFixed(1)}" y="${HEIGHT - 8}">${hourLabel(hour)}</text>`;
  }
  return grid;
}

function pathOf({ points, className, filled }: PlotLine, px: (x: number) => number, py: (y: number) => number): string {
  const path = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join('');
  if (filled !== true || points.length === 0) return `<path class="line ${className}" d="${path}"/>`;
  const [first, last] = [points[0]![0], points.at(-1)![0]];
  const area = `${path}L${px(last).toFixed(1)} ${py(0).toFixed(1)}L${px(first).toFixed(1)} ${py(0).toFixed(1)}Z`;
  return `<path class="area ${className}" d="${area}"/><path class="line ${className}" d="${path}"/>`;
}

/** Between two ticks: a round number. */
function niceStep(top: number): number {
  const least = top / TICKS;
  const magnitude = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].find((step) => step * magnitude >= least * (1 - 1e-9))! * magnitude;
}

export function hourStep(hours: number): number {
  return [1, 2, 3, 4, 6, 12, 24, 48, 120, 240, 720].find((step) => hours / step <= 9) ?? Math.ceil(hours / 9);
}

export function hourLabel(hour: number): string {
  return hour >= 48 ? `day ${Math.round(hour / 24)}` : `${String(hour % 24).padStart(2, '0')}:00`;
}

export function shortNumber(value: number): string {
  if (value >= 1e6) return `${+(value / 1e6).toFixed(1)}M`;
  if (value >= 1e4) return `${+(value / 1e3).toFixed(1)}k`;
  return String(+value.toFixed(2));
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
