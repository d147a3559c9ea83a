/** Where and why input was refused. The message names file, line, field and what was expected. */
export class InputError extends Error {
  constructor(
    readonly file: string,
    readonly line: number,
    readonly field: string,
    readonly expected: string,
    got?: string,
  ) {
    const where = [file, ...(line > 0 ? [`line ${line}`] : []), ...(field === '' ? [] : [field])].join(', ');
    super(`${where}: expected ${expected}${got === undefined ? '' : `, got ${JSON.stringify(got)}`}`);
    this.name = 'InputError';
  }
}

export type TextChunks = AsyncIterable<string>;

/** Lines of a text that comes in pieces, without their ends; empty ones are left out. */
export async function* linesOf(chunks: TextChunks): AsyncGenerator<{ text: string; line: number }> {
  let rest = '';
  let line = 0;
  for await (const chunk of chunks) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!;
    for (const part of parts) {
      line++;
      const text = part.endsWith('\r') ? part.slice(0, -1) : part;
      if (text !== '') yield { text, line };
    }
  }
  if (rest !== '') yield { text: rest, line: line + 1 };
}

/** One row of a table with a header. */
export class Row {
  constructor(
    private readonly file: string,
    readonly line: number,
    private readonly columns: ReadonlyMap<string, number>,
    private readonly fields: readonly string[],
  ) {}

  text(column: string): string {
    const value = this.fields[this.columns.get(column)!];
    if (value === undefined || value === '') throw this.error(column, 'a value');
    return value;
  }

  isEmpty(column: string): boolean {
    return this.fields[this.columns.get(column)!] === '';
  }

  /** Of at least `least`. */
  number(column: string, least = 0): number {
    const text = this.text(column);
    const value = Number(text);
    if (!Number.isFinite(value) || value < least) throw this.error(column, `a number of ${least} or more`, text);
    return value;
  }

  time(column: string): number {
    const text = this.text(column);
    const value = Date.parse(text);
    if (Number.isNaN(value)) throw this.error(column, 'a time such as 2013-08-12T13:40:46Z', text);
    return value / 1000;
  }

  error(column: string, expected: string, got?: string): InputError {
    return new InputError(this.file, this.line, column, expected, got);
  }
}

/** Rows of a CSV text whose header names at least `required`. Throws when a column is missing or no row follows. */
export async function* rowsOf(file: string, chunks: TextChunks, required: readonly string[]): AsyncGenerator<Row> {
  let columns: Map<string, number> | undefined;
  let count = 0;
  for await (const { text, line } of linesOf(chunks)) {
    const fields = text.split(',');
    if (columns === undefined) {
      columns = new Map(fields.map((name, i) => [name.trim(), i]));
      for (const name of required) {
        if (!columns.has(name)) throw new InputError(file, line, name, `a column ${name} in the header`, text);
      }
      continue;
    }
    if (fields.length !== columns.size) {
      throw new InputError(file, line, '', `${columns.size} fields`, `${fields.length} fields`);
    }
    count++;
    yield new Row(file, line, columns, fields);
  }
  if (count === 0) throw new InputError(file, 0, '', 'at least one row of data');
}
