import { CliError } from './failure.js';

const kinds = ['table', 'wide', 'json', 'yaml', 'csv', 'name'] as const;

export interface Format {
  readonly kind: (typeof kinds)[number];
  /** Headers asked for, in their order. */
  readonly columns?: readonly string[];
  readonly header: boolean;
}

/** Reads what stands after each `-o`: a kind, `columns=a,b`, `noheader`. @throws CliError */
export function parseFormat(texts: readonly string[] = []): Format {
  let format: Format = { kind: 'table', header: true };
  for (const text of texts) {
    const kind = kinds.find((known) => known === text);
    if (kind) format = { ...format, kind };
    else if (text === 'noheader') format = { ...format, header: false };
    else if (text.startsWith('columns=')) format = { ...format, columns: text.slice('columns='.length).split(',') };
    else throw new CliError(`-o takes ${kinds.join('|')}, columns=a,b or noheader, not "${text}"`);
  }
  return format;
}

export const collect = (text: string, before: readonly string[] = []): string[] => [...before, text];
