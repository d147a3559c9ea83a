/** Domains that members of a placement group are counted by. */
const NODE = 0;
const ZONE = 1;
const RACK = 2;
const DOMAINS = 3;

/** Where the members of one placement group are. One map for all three kinds of domain: groups are many and small. */
export class GroupMembers {
  readonly #counts = new Map<number, number>();
  readonly #held = [0, 0, 0];
  total = 0;

  /** Nodes that hold a member. */
  *nodes(): Generator<number> {
    for (const key of this.#counts.keys()) if (key % DOMAINS === NODE) yield (key - NODE) / DOMAINS;
  }

  onNode(node: number): number {
    return this.#counts.get(node * DOMAINS + NODE) ?? 0;
  }

  inZone(zone: number): number {
    return this.#counts.get(zone * DOMAINS + ZONE) ?? 0;
  }

  inRack(rack: number): number {
    return this.#counts.get(rack * DOMAINS + RACK) ?? 0;
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
    const key = index * DOMAINS + domain;
    const before = this.#counts.get(key) ?? 0;
    if (before + by === 0) this.#counts.delete(key);
    else this.#counts.set(key, before + by);
    if (before === 0) this.#held[domain]! += 1;
    else if (before + by === 0) this.#held[domain]! -= 1;
  }
}

/** Membership counts of every placement group that has members. */
export class GroupTable {
  readonly #groups = new Map<string, GroupMembers>();
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
    this.#last = undefined;
  }

  #found(name: string): GroupMembers {
    const members = new GroupMembers();
    this.#groups.set(name, members);
    this.#last = members;
    return members;
  }
}
