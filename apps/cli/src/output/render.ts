import { CliError } from './failure.js';
import type { Format } from './format.js';
import type { Column, Noun } from './noun.js';
import { renderTable } from './table.js';

/** A list in the form asked for. JSON and YAML are the API's own objects. */
export async function renderList<T>(items: readonly T[], noun: Noun<T>, format: Format): Promise<string> {
  switch (format.kind) {
    case 'json':
      return JSON.stringify(items, null, 2);
    case 'yaml':
      return yamlOf(items);
    case 'name':
      return items.map(noun.nameOf).join('\n');
    case 'csv':
      return csv(items, columnsOf(noun, format, true), format.header);
    case 'table':
    case 'wide':
      return table(items, columnsOf(noun, format, format.kind === 'wide'), format.header);
  }
}

/** One thing: its own lines `HEADER  value` where a list would have columns. */
export async function renderOne<T>(item: T, noun: Noun<T>, format: Format): Promise<string> {
  if (format.kind === 'json') return JSON.stringify(item, null, 2);
  if (format.kind === 'yaml') return yamlOf(item);
  if (format.kind !== 'table' && format.kind !== 'wide') return renderList([item], noun, format);
  return renderTable(
    [],
    columnsOf(noun, format, true).map((column) => [column.header, textOf(column, item)]),
  );
}

function columnsOf<T>(noun: Noun<T>, format: Format, wide: boolean): readonly Column<T>[] {
  if (!format.columns) return noun.columns.filter((column) => wide || !column.wide);
  return format.columns.map((asked) => columnOf(noun, asked));
}

/** `ready-after`, `READY AFTER` and `ready_after` are one column. @throws CliError that lists them all */
export function columnOf<T>(noun: Noun<T>, asked: string): Column<T> {
  const key = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const found = noun.columns.find(({ header }) => key(header) === key(asked));
  if (found) return found;
  const known = noun.columns.map(({ header }) => header.toLowerCase().replaceAll(' ', '-'));
  throw new CliError(`no column "${asked}"; there are: ${known.join(', ')}`);
}

function table<T>(items: readonly T[], columns: readonly Column<T>[], header: boolean): string {
  const rows = items.map((item) => columns.map((column) => textOf(column, item)));
  return renderTable(header ? columns.map((column) => column.header) : [], rows);
}

function textOf<T>(column: Column<T>, item: T): string {
  const value = column.value(item);
  return value === null || value === '' ? '-' : `${value}`;
}

function csv<T>(items: readonly T[], columns: readonly Column<T>[], header: boolean): string {
  const rows = items.map((item) => columns.map((column) => `${column.value(item) ?? ''}`));
  const lines = header ? [columns.map((column) => column.header.toLowerCase().replaceAll(' ', '_')), ...rows] : rows;
  return lines.map((line) => line.map(csvCell).join(',')).join('\n');
}

/** RFC 4180. */
function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

async function yamlOf(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(value).trimEnd();
}
