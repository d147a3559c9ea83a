/** Less than a tenth off the least so far is nothing. */
const gainMax = 0.9;
const passesMax = 2;

/**
 * Whether one more pass over a guest's memory leaves less than those before. Not told by how fast pages become dirty:
 * one that is written again and again counts once, and is to be sent with each pass. Pure.
 */
export class Convergence {
  #pass = 0;
  /** At the beginning of this pass; looks may come late, and one that comes early still shows the end of the last. */
  #most = 0;
  #least = Infinity;
  #passesInVain = 0;

  /** Of one look at a move: how many passes it is in, and the bytes that are left. False: passes come to nothing. */
  goesOn({ passes, remaining }: { readonly passes: number; readonly remaining: number }): boolean {
    if (passes > this.#pass) {
      this.#passesInVain = this.#isInVain ? this.#passesInVain + 1 : 0;
      if (this.#pass > 0) this.#least = Math.min(this.#least, this.#most);
      this.#pass = passes;
      this.#most = 0;
    }
    this.#most = Math.max(this.#most, remaining);
    return this.#passesInVain + (this.#isInVain ? 1 : 0) < passesMax;
  }

  get #isInVain(): boolean {
    return this.#most > this.#least * gainMax;
  }
}
