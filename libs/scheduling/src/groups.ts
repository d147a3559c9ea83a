import { Tally } from './tally.js';

/** Domains that members of a placement group are counted by. */
const NODE = 0;
const ZONE = 1;
const RACK = 2;
const DOMAINS = 3;

/** Where the members of one placement group are. One tally for all three kinds of domain. */
export class GroupMembers {
  readonly #counts = new Tally();
  readonly #held = [0, 0, 0];
  total = 0;

  /** Nodes that hold a member. */
  *nodes(): Generator<number> {
    for (const key of this.#counts.keys()) if (key % DOMAINS === NODE) yield (key - NODE) / DOMAINS;
  }

  onNode(node: number): number {
    return this.#counts.get(node * DOMAINS + NODE);
  }

  inZone(zone: number): number {
    return this.#counts.get(zone * DOMAINS + ZONE);
  }

  inRack(rack: number): number {
    return this.#counts.get(rack * DOMAINS + RACK);
  }

  get zonesHeld(): number {
    return this.#held[ZONE]!;
  }

  get racksHeld(): number {
    return this.#held[RACK]!;
  }

  count(node: number, zone: number, rack: number, by: 1 | -1): void {
    this.#bump(node, NODE, by);
    this.#bump(zone, ZONE, by);
    this.#bump(rack, RACK, by);
    this.total += by;
  }

  #bump(index: number, domain: number, by: 1 | -1): void {
    const count = this.#counts.add(index * DOMAINS + domain, by);
    if (count === 0) this.#held[domain]! -= 1;
    else if (count === 1 && by === 1) this.#held[domain]! += 1;
  }
}

/** Membership counts of every placement group that has members. */
export class GroupTable {
  readonly #groups = new Map<string, GroupMembers>();
  /** Emptied ones, to be used again: in a busy fleet groups come and go all the time. */
  readonly #spare: GroupMembers[] = [];
  /** One decision asks for one group many times. */
  #lastName = '';
  #last: GroupMembers | undefined;

  /** Members of a group, or `undefined` while nobody is in it. */
  membersOf(name: string): GroupMembers | undefined {
    if (name === this.#lastName) return this.#last;
    this.#lastName = name;
    this.#last = this.#groups.get(name);
    return this.#last;
  }

  join(name: string, node: number, zone: number, rack: number): void {
    const members = this.membersOf(name) ?? this.#found(name);
    members.count(node, zone, rack, 1);
  }

  leave(name: string, node: number, zone: number, rack: number): void {
    const members = this.membersOf(name);
    if (members === undefined || members.onNode(node) === 0) throw new Error(`group ${name} has no member there`);
    members.count(node, zone, rack, -1);
    if (members.total > 0) return;
    this.#groups.delete(name);
    this.#spare.push(members);
    this.#last = undefined;
  }

  #found(name: string): GroupMembers {
    const members = this.#spare.pop() ?? new GroupMembers();
    this.#groups.set(name, members);
    this.#last = members;
    return members;
  }
}
