import type { ClientBase, Pool, QueryResultRow } from 'pg';

/** Where SQL runs: on any connection of the pool, or inside one transaction. */
export interface Session {
  /**
   * Rows of one statement. Its text must be constant (values go in `values`): each connection prepares it once. Columns
   * come as the driver reads them; bigint and numeric as number, timestamptz as Date.
   */
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

const nameByText = new Map<string, string>();

/** One name per statement text, so that the server parses and plans a hot statement once per connection. */
function nameOf(text: string): string {
  const known = nameByText.get(text);
  if (known !== undefined) return known;
  const name = `s${nameByText.size}`;
  nameByText.set(text, name);
  return name;
}

export function sessionOn(connection: Pool | ClientBase): Session {
  return {
    async query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
      const { rows } = await connection.query<Row>({ name: nameOf(text), text, values: [...values] });
      return rows;
    },
  };
}
