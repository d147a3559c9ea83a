/** Names as small numbers, so that columns stay numeric. */
export class NameTable {
  readonly #indexOf = new Map<string, number>();
  readonly #names: string[] = [];

  get size(): number {
    return this.#names.length;
  }

  intern(name: string): number {
    const known = this.#indexOf.get(name);
    if (known !== undefined) return known;
    this.#names.push(name);
    this.#indexOf.set(name, this.#names.length - 1);
    return this.#names.length - 1;
  }

  /** -1 when the name was never interned. */
  indexOf(name: string): number {
    return this.#indexOf.get(name) ?? -1;
  }

  nameOf(index: number): string {
    const name = this.#names[index];
    if (name === undefined) throw new RangeError(`no name ${index}`);
    return name;
  }
}
