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

  /** The fewest members that any open domain holds; `members` lists the domains that hold any. */
  least(members: ReadonlyMap<number, number>): number {
    if (members.size < this.#open) return 0;
    let least = Infinity;
    for (let domain = 0; domain < this.#nodes.length; domain++) {
      if (this.#nodes[domain]) least = Math.min(least, members.get(domain) ?? 0);
    }
    return least;
  }
}
