/** What a node is, as opposed to what is on it: equal for whole rows of machines, so it is interned once. */
export interface Trait {
  readonly drivers: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
}

/** Keeps instances away that do not tolerate it. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
}

/**
 * Interns traits: nodes of one kind share one number, so a constraint is judged once per kind and not once per node.
 */
export class TraitTable {
  readonly #byKey = new Map<string, number>();
  readonly #traits: Trait[] = [];

  get size(): number {
    return this.#traits.length;
  }

  at(index: number): Trait {
    const trait = this.#traits[index];
    if (trait === undefined) throw new RangeError(`no trait ${index}`);
    return trait;
  }

  intern(trait: Trait): number {
    const key = keyOf(trait);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    this.#traits.push(trait);
    this.#byKey.set(key, this.#traits.length - 1);
    return this.#traits.length - 1;
  }
}

export function describeTaint(taint: Taint): string {
  return taint.value === undefined ? taint.key : `${taint.key}=${taint.value}`;
}

function keyOf(trait: Trait): string {
  const labels = Object.entries(trait.labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([trait.drivers.toSorted(), labels, trait.taints.map(describeTaint).sort()]);
}
