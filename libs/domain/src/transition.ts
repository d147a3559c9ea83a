/** A state machine as a table: from each state, the states it may go to. `[]` marks a terminal state. */
export type TransitionTable<S extends string> = Readonly<Record<S, readonly S[]>>;

export function statesOf<S extends string>(table: TransitionTable<S>): readonly S[] {
  return Object.keys(table) as S[];
}

export function isAllowed<S extends string>(table: TransitionTable<S>, from: S, to: S): boolean {
  return table[from].includes(to);
}

export function isTerminal<S extends string>(table: TransitionTable<S>, state: S): boolean {
  return table[state].length === 0;
}

/** The states from which `to` may be reached in one step: what a compare-and-set on `to` must require. */
export function sourcesOf<S extends string>(table: TransitionTable<S>, to: S): S[] {
  return statesOf(table).filter((from) => table[from].includes(to));
}
