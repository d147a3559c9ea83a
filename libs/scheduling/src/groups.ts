import { NameTable } from './names.js';

/** Where the members of one placement group are: by node, zone and rack. */
export interface GroupMembers {
  readonly byNode: Map<number, number>;
  readonly byZone: Map<number, number>;
  readonly byRack: Map<number, number>;
  total: number;
}

/** Membership counts of every placement group in the fleet. */
export class GroupTable {
  readonly #names = new NameTable();
  readonly #members: GroupMembers[] = [];

  /** Members of a group, or `undefined` while nobody has joined it. */
  membersOf(name: string): GroupMembers | undefined {
    const index = this.#names.indexOf(name);
    return index < 0 ? undefined : this.#members[index];
  }

  join(name: string, node: number, zone: number, rack: number): void {
    this.#add(this.#open(name), node, zone, rack, 1);
  }

  leave(name: string, node: number, zone: number, rack: number): void {
    const members = this.membersOf(name);
    if (members === undefined || !members.byNode.has(node)) throw new Error(`group ${name} has no member there`);
    this.#add(members, node, zone, rack, -1);
  }

  #open(name: string): GroupMembers {
    const index = this.#names.intern(name);
    return (this.#members[index] ??= { byNode: new Map(), byZone: new Map(), byRack: new Map(), total: 0 });
  }

  #add(members: GroupMembers, node: number, zone: number, rack: number, by: number): void {
    bump(members.byNode, node, by);
    bump(members.byZone, zone, by);
    bump(members.byRack, rack, by);
    members.total += by;
  }
}

function bump(counts: Map<number, number>, key: number, by: number): void {
  const next = (counts.get(key) ?? 0) + by;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}
