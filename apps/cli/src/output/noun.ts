/** How the things of one kind are shown: their columns, and the word they go by. */
export interface Noun<T> {
  /** Path of the list in the API. */
  readonly path: string;
  readonly singular: string;
  readonly nameOf: (item: T) => string;
  readonly columns: readonly Column<T>[];
}

export interface Column<T> {
  readonly header: string;
  readonly value: (item: T) => string | number | null;
  /** Only with `-o wide`, or by name. */
  readonly wide?: true;
}
