const gap = '   ';

/** Columns as wide as their widest cell; numbers to the right. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = header.length === 0 ? rows : [header, ...rows];
  const columns = Math.max(0, ...lines.map((line) => line.length));
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const numeric = widths.map((_, at) => rows.length > 0 && rows.every((row) => isNumeric(row[at] ?? '')));
  return lines
    .map((line) =>
      line
        .map((cell, at) => (numeric[at] ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
        .join(gap)
        .trimEnd(),
    )
    .join('\n');
}

/** `12`, `1.5`, `40 %`, `0.93 s`, and `-` for what is not known. */
function isNumeric(cell: string): boolean {
  return cell === '-' || /^-?\d[\d.,]*( ?[a-zA-Z%/]{1,4})?$/.test(cell);
}
