/** Zones or racks, with the number of nodes in each that take placements now. */
export class OpenDomains {
  readonly #nodes: number[] = [];
  #open = 0;

  count(domain: number, by: 1 | -1): void {
    const before = this.#nodes[domain] ?? 0;
    this.#nodes[domain] = before + by;
    if (before === 0) this.#open += 1;
    else if (before + by === 0) this.#open -= 1;
  }

  /** The fewest members that any open domain holds; `held` domains, open or not, hold some. */
  least(held: number, membersIn: (domain: number) => number): number {
    if (held < this.#open) return 0;
    let least = Infinity;
    for (let domain = 0; domain < this.#nodes.length; domain++) {
      if (this.#nodes[domain]) least = Math.min(least, membersIn(domain));
    }
    return least;
  }
}
